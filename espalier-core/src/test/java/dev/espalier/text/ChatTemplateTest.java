package dev.espalier.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import dev.espalier.text.template.Rendering;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {
    private static final List<Message> HELLO = List.of(Message.user("Hello"), Message.assistant("Hi"));

    @TempDir
    Path folder;

    @Test
    void readsTheTemplateAndTheSpecialTokensOfTheTokenizersSettings() throws IOException {
        settings("""
                {"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": null,
                 "chat_template": "{{ bos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }};{% endfor %}"}""");

        assertThat(open().render(HELLO, false).text()).isEqualTo("<s>Hello;Hi;");
    }

    @Test
    void takesSpecialTokensFromTheirOwnFileWhereTheSettingsHaveNone() throws IOException {
        settings("{\"bos_token\": \"<s>\", \"chat_template\": \"{{ bos_token }}{{ eos_token }}\"}");
        Files.writeString(
                folder.resolve("special_tokens_map.json"), "{\"bos_token\": \"<other>\", \"eos_token\": \"</s>\"}");

        assertThat(open().render(HELLO, false).text()).isEqualTo("<s></s>");
    }

    @Test
    void aFileOfItsOwnComesBeforeTheSettings() throws IOException {
        settings("{\"eos_token\": \"</s>\", \"chat_template\": \"old\"}");
        Files.writeString(folder.resolve("chat_template.jinja"), "new {{ eos_token }}\n");

        assertThat(open().render(HELLO, false).text()).isEqualTo("new </s>");
    }

    @Test
    void findsNamedTemplates() throws IOException {
        settings("""
                {"chat_template": [{"name": "default", "template": "a"}, {"name": "tool_use", "template": "b"}]}""");
        Files.createDirectory(folder.resolve("additional_chat_templates"));
        Files.writeString(folder.resolve("additional_chat_templates/rag.jinja"), "c");

        assertThat(open().render(HELLO, false).text()).isEqualTo("a");
        assertThat(ChatTemplate.open(folder, "tool_use").render(HELLO, false).text())
                .isEqualTo("b");
        assertThat(ChatTemplate.open(folder, "rag").render(HELLO, false).text()).isEqualTo("c");
        assertThatThrownBy(() -> ChatTemplate.open(folder, "tools"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("no chat template 'tools'; it has default, tool_use, rag");
    }

    @Test
    void severalTemplatesWithoutDefaultAreAnError() throws IOException {
        settings("{\"chat_template\": [{\"name\": \"a\", \"template\": \"\"}, {\"name\": \"b\", \"template\": \"\"}]}");

        assertThatThrownBy(this::open)
                .isInstanceOf(InputException.class)
                .hasMessageContaining("none of them is the default: a, b");
    }

    @Test
    void aModelWithoutTemplateHasNone() throws IOException {
        settings("{\"bos_token\": \"<s>\"}");

        assertThat(ChatTemplate.open(folder)).isEmpty();
    }

    @Test
    void anErrorNamesTheFileAndTheLine() throws IOException {
        settings("{\"chat_template\": \"a\\n{{ raise_exception('No system turn, please') }}\"}");

        assertThatThrownBy(() -> open().render(HELLO, false))
                .isInstanceOf(InputException.class)
                .hasMessage(folder.resolve("tokenizer_config.json")
                        + ", chat_template, line 2: the template says: No system turn, please.");
    }

    @Test
    void otherFieldsVariablesAndTheTimeReachTheTemplate() throws IOException {
        Files.writeString(
                folder.resolve("mine.jinja"),
                "{{ messages[0].tool_calls | tojson }} {{ tools | length }} {{ strftime_now('%Y') }}");
        var calls = new Message("assistant", "", Map.of("tool_calls", List.of(Map.of("name", "clock"))));
        var template = ChatTemplate.read(folder.resolve("mine.jinja"), folder)
                .at(Clock.fixed(Instant.parse("1999-05-01T00:00:00Z"), ZoneOffset.UTC));

        assertThat(template.render(List.of(calls), true, Map.of("tools", List.of(1, 2))))
                .isEqualTo(new Rendering("[{\"name\": \"clock\"}] 2 1999", List.of()));
    }

    @Test
    void tokensTellWhereInTheTextTheyStand() throws URISyntaxException {
        var text = "<s>Once upon a 😀 day</s>";
        try (var tokenizer = TextTokenizer.open(
                Path.of(Objects.requireNonNull(ChatTemplateTest.class.getResource("/models/stories260K"))
                        .toURI()))) {
            var tokens = tokenizer.encodeSpans(text, false);

            assertThat(tokens.ids()[0])
                    .isEqualTo(tokenizer.bosId().orElseThrow())
                    .isNotEqualTo(tokens.ids()[1]);
            assertThat(tokens.ids()[tokens.length() - 1])
                    .isEqualTo(tokenizer.eosId().orElseThrow());
            int face = text.indexOf("😀");
            assertThat(tokens.starts()).contains(face);
            assertThat(tokens.ends()).contains(face + 2).doesNotContain(face + 1);
            assertThat(text.substring(tokens.starts()[tokens.length() - 1], tokens.ends()[tokens.length() - 1]))
                    .isEqualTo("</s>");
            assertThat(tokenizer.encodeSpans("a", true).ids()[0])
                    .isEqualTo(tokenizer.bosId().orElseThrow());
            assertThat(tokenizer.encodeSpans("a", true).ends()[0]).isZero();
        }
    }

    private ChatTemplate open() {
        return ChatTemplate.open(folder).orElseThrow();
    }

    private void settings(String json) throws IOException {
        Files.writeString(folder.resolve("tokenizer_config.json"), json);
    }
}
