package dev.espalier.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.OnEngine;
import dev.espalier.data.Example;
import dev.espalier.data.Input;
import dev.espalier.data.TaskLoader;
import dev.espalier.data.TaskSpec;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.text.Message;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(OnEngine.class)
class RetrievalTest {
    @ParameterizedTest
    @ValueSource(strings = {"all-minilm-l6-v2"})
    void sentencesAreTheMeanOfTheirTokensAtLengthOne(String name) {
        try (var expected = Fixtures.tensors("encoders/" + name + ".safetensors");
                var encoder = SentenceEncoder.open(name)) {
            var texts = new ArrayList<String>();
            Json.mapper().readTree(expected.metadata().get("texts")).forEach(text -> texts.add(text.asString()));
            var mean = expected.tensor("mean_pooled");
            var length = mean.square().sum(1).sqrt().unsqueeze(1);
            var want = Fixtures.doubles(mean.div(length));

            var vectors = encoder.embed(texts);

            assertThat(vectors).hasSameSizeAs(texts);
            for (int i = 0; i < want.length; i++) {
                int width = vectors.get(0).length;
                assertThat((double) vectors.get(i / width)[i % width]).isCloseTo(want[i], within(2e-5));
            }
            assertThat(encoder.embed(List.of())).isEmpty();
        }
    }

    @Test
    void theNearestAreWeighedAlikeOrByTheirCosines() {
        double[] scores = {.1, .6, -.2, .5, .6};

        assertThat(weights(scores, 1, Optional.empty())).containsExactly(0, 1, 0, 0, 0);
        assertThat(weights(scores, 2, Optional.empty())).containsExactly(0, .5f, 0, 0, .5f);
        assertThat(weights(scores, 9, Optional.empty())).containsOnly(.2f);
        var soft = weights(scores, 3, Optional.of(.1));
        double sum = 2 + Math.exp(-1);
        assertThat((double) soft[1]).isCloseTo(1 / sum, within(1e-6));
        assertThat((double) soft[3]).isCloseTo(Math.exp(-1) / sum, within(1e-6));
        assertThat(soft[0] + soft[2]).isZero();
        assertThat(weights(scores, 2, Optional.of(1e-4))).containsExactly(0, .5f, 0, 0, .5f);
    }

    private static float[] weights(double[] scores, int topK, Optional<Double> temperature) {
        try (var encoder = SentenceEncoder.open(SentenceEncoder.DEFAULT);
                var retrieval = new Retrieval(encoder, List.of(), new Routing.Retrieve(topK, temperature))) {
            return retrieval.weights(scores);
        }
    }

    @Test
    void aChoiceOfNoneAndATemperatureOfZeroAreRefused() {
        assertThatThrownBy(() -> new Routing.Retrieve(0, Optional.empty()))
                .isInstanceOf(InputException.class)
                .hasMessage("The number of adapters to choose must be at least 1, not 0.");
        assertThatThrownBy(() -> new Routing.Arrow(1, 0))
                .isInstanceOf(InputException.class)
                .hasMessage("The temperature of routing must be above 0, not 0.0.");
        assertThatThrownBy(() -> new Routing.Retrieve(1, Optional.of(Double.NaN)))
                .isInstanceOf(InputException.class);
    }

    @Test
    void allTextsOfAnInputAreRead() {
        assertThat(SentenceEncoder.text(new Input.Pair("a", "b"))).isEqualTo("a\nb");
        assertThat(SentenceEncoder.text(new Input.Words(List.of("a", "b")))).isEqualTo("a b");
        assertThat(SentenceEncoder.text(new Input.Prompt("a", "\n"))).isEqualTo("a");
        assertThat(SentenceEncoder.text(new Input.Instruction("a", Optional.of("b"))))
                .isEqualTo("a\nb");
        assertThat(SentenceEncoder.text(new Input.Chat(List.of(Message.user("a"), Message.user("b")), Map.of())))
                .isEqualTo("a\nb");
    }

    /** Texts that no centroid was made of come to the task that they are of. */
    @Test
    void realTextsComeToTheirTask() {
        var tasks = List.of("noun-supersense", "relation", "acceptability");
        var samples = new ArrayList<List<String>>();
        var asked = new ArrayList<List<String>>();
        for (var task : tasks) {
            var data = TaskLoader.load(TaskSpec.builtin(task).withLimit(64), Path.of(""));
            samples.add(texts(data.train()));
            asked.add(texts(data.test()));
        }
        try (var encoder = SentenceEncoder.open(SentenceEncoder.DEFAULT)) {
            var centroids = samples.stream()
                    .map(encoder::embed)
                    .map(Retrieval::centroid)
                    .toList();
            try (var retrieval = new Retrieval(encoder, centroids, new Routing.Retrieve(1, Optional.empty()))) {
                for (int task = 0; task < tasks.size(); task++) {
                    int mine = task;
                    var scores = retrieval.scores(asked.get(task));
                    long right = scores.stream()
                            .filter(row -> IntStream.range(0, row.length).allMatch(i -> row[i] <= row[mine]))
                            .count();
                    System.out.printf("%s: %d of %d texts come to it%n", tasks.get(task), right, scores.size());
                    // 50, 53 and 53 of 64 were measured; one in three would by chance.
                    assertThat(right).as(tasks.get(task)).isGreaterThan(scores.size() * 7 / 10);
                }
            }
        }
    }

    private static List<String> texts(List<Example> examples) {
        return examples.stream()
                .map(example -> SentenceEncoder.text(example.input()))
                .toList();
    }
}
