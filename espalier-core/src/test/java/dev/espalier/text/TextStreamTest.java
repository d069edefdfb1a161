package dev.espalier.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.json.Json;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On a real tokenizer with byte fallback, and on a byte-level one whose tokens are single bytes. */
class TextStreamTest {
    private static final int[] NONE = {};

    static TextTokenizer tokenizer;
    static TextTokenizer bytes;

    @BeforeAll
    static void open(@TempDir Path folder) throws IOException, URISyntaxException {
        var resource = Objects.requireNonNull(TextStreamTest.class.getResource("/models/stories260K"));
        tokenizer = TextTokenizer.open(Path.of(resource.toURI()));
        Files.writeString(folder.resolve("tokenizer.json"), byteLevel());
        bytes = TextTokenizer.open(folder);
    }

    @AfterAll
    static void close() {
        tokenizer.close();
        bytes.close();
    }

    /** A vocabulary of the 256 bytes, written as GPT-2 writes bytes: those that do not print from U+0100 on. */
    private static String byteLevel() {
        var json = Json.mapper().createObjectNode();
        json.put("version", "1.0").putArray("added_tokens");
        for (var part : List.of("pre_tokenizer", "decoder")) {
            json.putObject(part)
                    .put("type", "ByteLevel")
                    .put("add_prefix_space", false)
                    .put("trim_offsets", true)
                    .put("use_regex", true);
        }
        var model = json.putObject("model").put("type", "BPE");
        model.putArray("merges");
        var vocabulary = model.putObject("vocab");
        int next = 0x100;
        for (int value = 0; value < 256; value++) {
            boolean prints = value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xAC || value >= 0xAE;
            vocabulary.put(Character.toString(prints ? value : next++), value);
        }
        return Json.pretty(json);
    }

    private static List<String> pieces(TextTokenizer tokenizer, int[] context, List<String> stops, int... ids) {
        var stream = new TextStream(tokenizer, context, stops);
        var pieces = new ArrayList<String>();
        for (int id : ids) {
            pieces.add(stream.add(id));
        }
        pieces.add(stream.finish());
        return pieces;
    }

    private static int[] ids(TextTokenizer tokenizer, String text) {
        return tokenizer.encode(text, 10_000).ids();
    }

    @Test
    void aWordComesWhenItsTokenComes() {
        assertThat(pieces(tokenizer, NONE, List.of(), ids(tokenizer, "Once upon a time")))
                .filteredOn(piece -> !piece.isEmpty())
                .containsExactly("Once", " upon", " a", " time");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Once upon a time, there was a little girl named Lily.",
                " two  spaces   and\n\nlines\tand tabs ",
                "naïve café, Größe, złoty",
                "€ 5 – “quoted” … 日本語のテキスト",
                "🙂 👩‍👩‍👧 🏳️‍🌈 done",
                "\uFFFD in the text itself \uFFFD",
                ""
            })
    void piecesAreWholeCharactersAndMakeUpTheText(String text) {
        for (var any : List.of(tokenizer, bytes)) {
            var ids = ids(any, text);
            var pieces = pieces(any, NONE, List.of(), ids);

            assertThat(String.join("", pieces)).isEqualTo(any.decode(ids)).isEqualTo(text);
            assertThat(pieces).allSatisfy(piece -> assertThat(
                            StandardCharsets.UTF_8.newEncoder().canEncode(piece))
                    .isTrue());
            if (!text.contains("\uFFFD")) {
                assertThat(pieces).noneMatch(piece -> piece.contains("\uFFFD"));
            }
        }
    }

    @Test
    void aCharacterOfFourBytesComesWithItsLastOne() {
        assertThat(pieces(bytes, NONE, List.of(), ids(bytes, "a🙂b"))).containsExactly("a", "", "", "", "🙂", "b", "");
        int[] smile = {byteId(0xF0), byteId(0x9F), byteId(0x99), byteId(0x82)};
        assertThat(pieces(tokenizer, NONE, List.of(), smile)).containsExactly("", "", "", "🙂", "");
    }

    /** The id of {@code <0xNN>}, which stands for a byte. */
    private static int byteId(int value) {
        return tokenizer.vocabulary().id(String.format("<0x%02X>", value)).orElseThrow();
    }

    @Test
    void bytesThatFitNoCharacterSpoilNothingElse() {
        int a = tokenizer.vocabulary().id("a").orElseThrow();
        assertThat(pieces(tokenizer, NONE, List.of(), byteId(0xE2), byteId(0x82), byteId(0xAC), byteId(0xF0), a))
                .containsExactly("", "", "€", "", "\uFFFDa", "");
        assertThat(pieces(tokenizer, NONE, List.of(), a, byteId(0xE2), byteId(0x82)))
                .containsExactly("a", "", "", "\uFFFD\uFFFD");
    }

    @Test
    void anyTokensGiveTheTextOfAllOfThem() {
        var random = new Random(7);
        int first = byteId(0xFF) + 1; // the tokens that are not bytes come after those
        for (int round = 0; round < 100; round++) {
            var ids = random.ints(30, first, tokenizer.vocabulary().size()).toArray();
            assertThat(String.join("", pieces(tokenizer, NONE, List.of(), ids)))
                    .as("round %s", round)
                    .isEqualTo(tokenizer.decode(ids));
        }
    }

    @Test
    void textThatGoesOnKeepsTheSpaceBetween() {
        var prompt = ids(tokenizer, "Once upon a time");
        int there = tokenizer.vocabulary().id("▁there").orElseThrow();
        assertThat(pieces(tokenizer, prompt, List.of(), there, 2)).containsExactly(" there", "", "");
        assertThat(pieces(tokenizer, NONE, List.of(), there, 2)).containsExactly("there", "", "");
    }

    @Test
    void aStopStringEndsTheTextBeforeIt() {
        var ids = ids(tokenizer, "She was happy. The end. More");
        var stream = new TextStream(tokenizer, NONE, List.of(" The end", "Moral"));
        var text = new StringBuilder();
        int used = 0;
        while (!stream.stopped()) {
            text.append(stream.add(ids[used++]));
            assertThat("She was happy.").startsWith(text);
        }
        assertThat(text.append(stream.finish()).toString()).isEqualTo("She was happy.");
        assertThat(tokenizer.decode(Arrays.copyOf(ids, used))).endsWith("The end");
        assertThat(stream.add(ids[used])).isEmpty();
    }
}
