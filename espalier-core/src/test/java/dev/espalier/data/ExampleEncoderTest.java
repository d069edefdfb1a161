package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.text.MiniLm;
import dev.espalier.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExampleEncoderTest {
    private static final Origin ORIGIN = new Origin("x.jsonl", 1);
    private static final LabelSpace LABELS = LabelSpace.of(List.of("a", "b", "c"));
    private static final int NONE = Batch.IGNORED;

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

    private static EncodedExample encode(Input input, Target target, int maxTokens) {
        return new ExampleEncoder(2, LABELS, tokenizer, maxTokens)
                .encode(List.of(new Example(input, target, ORIGIN)))
                .get(0);
    }

    @Test
    void oneLabelIsItsNumber() {
        var encoded = encode(new Input.Text("play music"), new Target.Label("b"), 16);
        assertThat(encoded.ids()).containsExactly(101, 2377, 2189, 102);
        assertThat(encoded.labels()).containsExactly(1);
        assertThat(encoded.values()).isEmpty();
        assertThat(encoded.task()).isEqualTo(2);
        assertThat(encoded.id()).isZero();
    }

    @Test
    void severalLabelsAreOnesAndZeros() {
        var encoded = encode(new Input.Pair("play", "music"), new Target.Labels(List.of("c", "a")), 16);
        assertThat(encoded.typeIds()).containsExactly(0, 0, 0, 1, 1);
        assertThat(encoded.labels()).isEmpty();
        assertThat(encoded.values()).containsExactly(1, 0, 1);
    }

    @Test
    void aNumberIsItself() {
        assertThat(encode(new Input.Text("a"), new Target.Value(-0.5), 16).values())
                .containsExactly(-0.5f);
    }

    @Test
    void aWordsLabelStandsOnItsFirstTokenAndIsCutWithIt() {
        var words = new Input.Words(List.of("Zezé", "Di", "Camargo"));
        var target = new Target.WordLabels(List.of("a", "b", "c"));
        assertThat(encode(words, target, 16).labels()).containsExactly(NONE, 0, NONE, 1, 2, NONE, NONE, NONE);
        assertThat(encode(words, target, 5).labels()).containsExactly(NONE, 0, NONE, 1, NONE);
    }

    @Test
    void wordsToPredictShowWhichTokenAnswersForEach() {
        var words = new Input.Words(List.of("Zezé", "Di"));
        assertThat(encode(words, new Target.None(), 16).labels()).containsExactly(NONE, 0, NONE, 0, NONE);
        assertThat(encode(new Input.Text("a"), new Target.None(), 16).labels()).isEmpty();
    }
}
