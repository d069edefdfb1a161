package dev.espalier.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

class TextTokenizerTest {
    private static final String LONG = "Sparse experts are allocated where gradients say they matter";
    private static final String SHORT = "the rest of the network stays frozen";

    @TempDir
    static Path folder;

    static TextTokenizer tokenizer;

    @BeforeAll
    static void open() throws IOException {
        tokenizer = MiniLm.open(folder);
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    @Test
    void idsAreThoseOfTheReference() throws URISyntaxException {
        var resource = TextTokenizerTest.class.getResource("/fixtures/encoders/all-minilm-l6-v2.safetensors");
        try (var fixture =
                SafetensorsFile.open(Path.of(Objects.requireNonNull(resource).toURI()))) {
            var texts = Json.mapper().readValue(fixture.metadata().get("texts"), String[].class);
            var shape = fixture.info("input_ids").shape();
            int tokens = shape.get(1).intValue();
            var expected = new long[texts.length * tokens];
            fixture.tensor("input_ids").data_ptr_long().get(expected);
            for (int row = 0; row < texts.length; row++) {
                var ids = tokenizer.encode(texts[row], 512).ids();
                assertThat(Arrays.copyOf(ids, tokens))
                        .containsExactly(Arrays.stream(expected, row * tokens, (row + 1) * tokens)
                                .mapToInt(id -> (int) id)
                                .toArray());
            }
        }
    }

    @Test
    void pairsHaveTypesAndWordsOfEachText() {
        var encoded = tokenizer.encode("Unbelievable!", "no", 16);
        assertThat(tokens(encoded)).containsExactly("[CLS]", "unbelievable", "!", "[SEP]", "no", "[SEP]");
        assertThat(encoded.typeIds()).containsExactly(0, 0, 0, 0, 1, 1);
        assertThat(encoded.wordIds()).containsExactly(-1, 0, 1, -1, 0, -1);
    }

    /** The Rust code cuts by itself when it is told to; here it is the reference. */
    @Test
    void longTextsAreCutAsHuggingFaceDoes() throws IOException {
        for (int maxTokens : new int[] {5, 6, 7, 8, 11, 16, 19, 20, 21, 28}) {
            var options = Map.of("truncation", "longest_first", "maxLength", String.valueOf(maxTokens));
            try (var reference = Native.tokenizer(MiniLm.json(), options)) {
                assertSame(
                        tokenizer.encode(LONG, maxTokens),
                        reference.encode(LONG).getIds());
                assertSame(
                        tokenizer.encode(LONG, SHORT, maxTokens),
                        reference.encode(LONG, SHORT).getIds());
                assertSame(
                        tokenizer.encode(SHORT, LONG, maxTokens),
                        reference.encode(SHORT, LONG).getIds());
                assertSame(
                        tokenizer.encode(SHORT, SHORT, maxTokens),
                        reference.encode(SHORT, SHORT).getIds());
            }
        }
    }

    @Test
    void theFilesOwnPaddingAndTruncationAreIgnored() throws IOException {
        var json = (ObjectNode) Json.mapper().readTree(MiniLm.json());
        assertThat(json.path("padding").isObject() || json.path("truncation").isObject())
                .isTrue();
        var text = LONG.repeat(30);
        assertThat(tokenizer.encode(text, Integer.MAX_VALUE).length()).isGreaterThan(300);
        assertThat(tokenizer.encode("a", Integer.MAX_VALUE).length()).isEqualTo(3);
    }

    @Test
    void manyTextsAtOnceAreAsOneByOne() {
        var texts = Stream.of(LONG, SHORT, "a", "").toList();
        var all = tokenizer.encodeAll(texts, 8);
        assertThat(all).hasSize(texts.size());
        for (int i = 0; i < texts.size(); i++) {
            assertThat(all.get(i).ids())
                    .containsExactly(tokenizer.encode(texts.get(i), 8).ids());
        }
    }

    @Test
    void wordsKeepTheirPlacesWhenTheyFallIntoTokens() {
        var encoded = tokenizer.encodeWords(List.of("Zezé", "Di", "Camargo", "d'accord"), 32);
        assertThat(tokens(encoded))
                .containsExactly("[CLS]", "ze", "##ze", "di", "cam", "##ar", "##go", "d", "'", "accord", "[SEP]");
        assertThat(encoded.wordIds()).containsExactly(-1, 0, 0, 1, 2, 2, 2, 3, 3, 3, -1);
        assertThat(tokenizer.encodeWords(List.of("Zezé", "Di", "Camargo"), 5).wordIds())
                .containsExactly(-1, 0, 0, 1, -1);
    }

    /** Byte-level tokenizers, such as RoBERTa's, mark a word by the space before it. */
    @Test
    void wordsOfByteLevelTokenizersGetTheirSpace(@TempDir Path model) throws IOException {
        Files.writeString(model.resolve("tokenizer.json"), """
                {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
                 "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
                 "post_processor": null, "decoder": null,
                 "model": {"type": "BPE", "vocab": {"a": 0, "Ġ": 1, "Ġa": 2}, "merges": [["Ġ", "a"]]}}
                """);
        try (var byteLevel = TextTokenizer.open(model)) {
            assertThat(byteLevel.encode("a a", 8).ids()).containsExactly(0, 2);
            assertThat(byteLevel.encodeWords(List.of("a", "a"), 8).ids()).containsExactly(2, 2);
        }
    }

    @Test
    void paddingTokenIsTheOneTheSettingsName(@TempDir Path model) throws IOException {
        assertThat(tokenizer.padId()).isZero();
        Files.writeString(model.resolve("tokenizer_config.json"), "{\"pad_token\": {\"content\": \"[MASK]\"}}");
        try (var other = MiniLm.open(model)) {
            assertThat(other.padId()).isEqualTo(103);
        }
    }

    @Test
    void vocabularyGoesBothWays() {
        var vocabulary = tokenizer.vocabulary();
        assertThat(vocabulary.id("[CLS]")).hasValue(101);
        assertThat(vocabulary.token(102)).contains("[SEP]");
        assertThat(vocabulary.id("nosuchtoken")).isEmpty();
        assertThat(vocabulary.size()).isEqualTo(30522);
    }

    @Test
    void roomForSpecialTokensOnlyIsAnError() {
        assertThatThrownBy(() -> tokenizer.encode("a", 2))
                .isInstanceOf(InputException.class)
                .hasMessage("At most 2 tokens leave no room for text: the tokenizer adds 2 special tokens;"
                        + " allow at least 3.");
    }

    @Test
    void whatIsNoTokenizerIsNamed(@TempDir Path model) throws IOException {
        assertThatThrownBy(() -> TextTokenizer.open(model))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(model.toString())
                .hasMessageContaining("expected tokenizer.json");
        var file = model.resolve("tokenizer.json");
        Files.writeString(file, "[]");
        assertThatThrownBy(() -> TextTokenizer.open(model))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(file + " is not a tokenizer");
        Files.writeString(file, "{\"model\": {\"type\": \"NoSuchModel\"}}");
        assertThatThrownBy(() -> TextTokenizer.open(model))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(file + " is not a tokenizer");
    }

    @Test
    void applicationsOwnDjlSettingsStayAsTheyWere() {
        assertThat(System.getProperties()).doesNotContainKeys("ai.djl.offline", "ENGINE_CACHE_DIR");
    }

    private static void assertSame(Encoded encoded, long[] reference) {
        assertThat(Arrays.stream(encoded.ids()).asLongStream().toArray()).containsExactly(reference);
    }

    private static List<String> tokens(Encoded encoded) {
        return Arrays.stream(encoded.ids())
                .mapToObj(id -> tokenizer.vocabulary().token(id).orElseThrow())
                .toList();
    }
}
