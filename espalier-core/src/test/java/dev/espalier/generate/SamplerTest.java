package dev.espalier.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import dev.espalier.generate.Sampler.Row;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Filters and draws, on logits that a model gave and on ones small enough to work out by hand. */
class SamplerTest {
    private static final float LN2 = (float) Math.log(2);
    private static final float LN3 = (float) Math.log(3);
    private static final float LN5 = (float) Math.log(5);

    /** Probabilities 0.2, 0.5, 0.3. */
    private static final float[] TWO_FIVE_THREE = {LN2, LN5, LN3};

    private final Scope scope = Scope.open();

    @AfterEach
    void free() {
        scope.close();
    }

    private static SamplingOptions.Builder drawing() {
        return SamplingOptions.builder().temperature(1);
    }

    private static Tensor logits(int rows, float... values) {
        return torch.tensor(values).view(rows, -1);
    }

    private static Row row(long id, int... tokens) {
        return new Row(id, tokens, tokens.length);
    }

    private static double[] probabilities(SamplingOptions.Builder options, float[] logits, int... history) {
        var scores = new Sampler(options.build()).scores(logits(1, logits), List.of(row(0, history)));
        return Fixtures.doubles(scores);
    }

    @Test
    void greedyTakesTheTokensThatTransformersTook() {
        try (var fixture = Fixtures.tensors("models/llama/expected.safetensors")) {
            var logits = fixture.tensor("generate_step_logits");
            var expected = Fixtures.longs(fixture.tensor("generated_ids"));
            int steps = (int) logits.size(0);
            var rows = IntStream.range(0, steps).mapToObj(i -> row(i)).toList();

            var ids = new Sampler(SamplingOptions.DEFAULT).next(logits, rows);

            assertThat(ids)
                    .containsExactly(Arrays.stream(expected, expected.length - steps, expected.length)
                            .mapToInt(id -> (int) id)
                            .toArray());
        }
    }

    @Test
    void greedyTakesTheFirstOfEqualMaxima() {
        var ids = new Sampler(SamplingOptions.DEFAULT)
                .next(logits(2, 1, 7, 7, 0, -3, -3, -4, -3), List.of(row(0), row(1)));
        assertThat(ids).containsExactly(1, 0);
    }

    @Test
    void thePenaltyCountsATokenOnceAndAppliesToGreedyToo() {
        var options = SamplingOptions.builder().repetitionPenalty(2);
        float[] logits = {4, 3, -1, 1};

        assertThat(probabilities(options, logits, 0, 0, 2)).containsExactly(2, 3, -2, 1);
        var tokens = new int[] {0, 1}; // room for a token that is not there yet
        assertThat(new Sampler(options.build()).next(logits(1, logits), List.of(new Row(0, tokens, 1))))
                .containsExactly(1);
    }

    @Test
    void theCallersLogitsAreLeftAsTheyAre() {
        var logits = logits(1, 4, 3, -1, 1);
        var options = drawing().repetitionPenalty(2).topK(2).topP(0.5).minP(0.5).build();
        new Sampler(options).next(logits, List.of(row(0, 0, 2)));
        assertThat(Fixtures.doubles(logits)).containsExactly(4, 3, -1, 1);
    }

    @Test
    void filtersWorkedOutByHand() {
        var exactly = within(1e-6);
        assertThat(probabilities(drawing(), TWO_FIVE_THREE)).containsExactly(new double[] {0.2, 0.5, 0.3}, exactly);
        assertThat(probabilities(drawing().temperature(0.5), TWO_FIVE_THREE))
                .containsExactly(new double[] {4 / 38.0, 25 / 38.0, 9 / 38.0}, exactly);
        assertThat(probabilities(drawing().topK(2), TWO_FIVE_THREE))
                .containsExactly(new double[] {0, 0.625, 0.375}, exactly);
        assertThat(probabilities(drawing().topK(1), new float[] {1, 1, 0}))
                .containsExactly(new double[] {0.5, 0.5, 0}, exactly);
        assertThat(probabilities(drawing().topP(0.6), TWO_FIVE_THREE))
                .containsExactly(new double[] {0, 0.625, 0.375}, exactly);
        assertThat(probabilities(drawing().topP(0.4), TWO_FIVE_THREE)).containsExactly(new double[] {0, 1, 0}, exactly);
        assertThat(probabilities(drawing().topP(0), TWO_FIVE_THREE)).containsExactly(new double[] {0, 1, 0}, exactly);
        assertThat(probabilities(drawing().minP(0.5), TWO_FIVE_THREE))
                .containsExactly(new double[] {0, 0.625, 0.375}, exactly);
        assertThat(probabilities(drawing().minP(1), TWO_FIVE_THREE)).containsExactly(new double[] {0, 1, 0}, exactly);
        // Top-p sees what top-k has left: of 0.625 and 0.375 the first alone is enough, of 0.5 it is not.
        assertThat(probabilities(drawing().topK(2).topP(0.6), TWO_FIVE_THREE))
                .containsExactly(new double[] {0, 1, 0}, exactly);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 0, 1, 0, 1",
        "0.7, 0, 1, 0, 1",
        "1, 5, 1, 0, 1",
        "1, 1000, 1, 0, 1",
        "1, 0, 0.9, 0, 1",
        "1, 0, 1, 0.2, 1",
        "1, 0, 1, 0, 1.3",
        "1.5, 40, 0.8, 0.05, 1.1",
        "0.5, 20, 0.95, 0.1, 0.8"
    })
    void filtersAreThoseOfAPlainLoop(double temperature, int topK, double topP, double minP, double penalty) {
        var options = SamplingOptions.builder()
                .temperature(temperature)
                .topK(topK)
                .topP(topP)
                .minP(minP)
                .repetitionPenalty(penalty)
                .build();
        try (var fixture = Fixtures.tensors("models/llama/expected.safetensors")) {
            var logits = fixture.tensor("generate_step_logits");
            var ids = Arrays.stream(Fixtures.longs(fixture.tensor("generated_ids")))
                    .mapToInt(id -> (int) id)
                    .toArray();
            int prompt = ids.length - (int) logits.size(0);
            var rows = new ArrayList<Row>();
            for (int step = 0; step < logits.size(0); step++) {
                rows.add(new Row(0, ids, prompt + step));
            }

            var probabilities = Fixtures.doubles(new Sampler(options).scores(logits, rows));

            int vocabulary = (int) logits.size(1);
            var plain = Fixtures.doubles(logits);
            for (int step = 0; step < rows.size(); step++) {
                var expected = PlainSampler.probabilities(
                        options,
                        Arrays.copyOfRange(plain, step * vocabulary, (step + 1) * vocabulary),
                        Arrays.stream(ids, 0, prompt + step).boxed().toList());
                assertThat(Arrays.copyOfRange(probabilities, step * vocabulary, (step + 1) * vocabulary))
                        .containsExactly(expected, within(1e-6));
            }
        }
    }

    @Test
    void aDrawIsTheFirstTokenWhoseCumulativeProbabilityPassesTheRowsUniformNumber() {
        var sampler = new Sampler(drawing().seed(3).build());
        for (int length = 0; length < 50; length++) {
            double uniform = RandomStream.of(3).at("sampling").at(11).at(length).uniform();
            int expected = uniform < 0.2 ? 0 : uniform < 0.7 ? 1 : 2;
            assertThat(sampler.next(logits(1, TWO_FIVE_THREE), List.of(new Row(11, new int[length], length))))
                    .containsExactly(expected);
        }
    }

    @Test
    void drawsAreAsFrequentAsTheyAreLikely() {
        int rows = 20_000;
        var all = logits(1, TWO_FIVE_THREE).expand(rows, 3);
        var ids = new Sampler(drawing().build())
                .next(all, IntStream.range(0, rows).mapToObj(i -> row(i)).toList());
        for (int id = 0; id < 3; id++) {
            int token = id;
            double share = Arrays.stream(ids).filter(drawn -> drawn == token).count() / (double) rows;
            assertThat(share).isCloseTo(new double[] {0.2, 0.5, 0.3}[id], within(0.015)); // four standard errors
        }
    }

    @Test
    void aRowDrawsTheSameInAnyBatchAndOtherwiseElsewhere() {
        try (var fixture = Fixtures.tensors("models/llama/expected.safetensors")) {
            var logits = fixture.tensor("generate_step_logits");
            var sampler = new Sampler(drawing().seed(5).topP(0.95).build());
            int count = (int) logits.size(0);
            var rows = IntStream.range(0, count).mapToObj(i -> row(i, 1, 2)).toList();

            var together = sampler.next(logits, rows);

            for (int i = 0; i < count; i++) {
                assertThat(sampler.next(logits.narrow(0, i, 1), List.of(rows.get(i))))
                        .containsExactly(together[i]);
            }
            assertThat(new Sampler(drawing().seed(6).topP(0.95).build()).next(logits, rows))
                    .isNotEqualTo(together);
            assertThat(sampler.next(
                            logits,
                            IntStream.range(0, count)
                                    .mapToObj(i -> row(i, 1, 2, 3))
                                    .toList()))
                    .isNotEqualTo(together);
        }
    }

    @Test
    void logitsThatAreNoNumbersAreAnError() {
        float[] broken = {1, Float.NaN, 2};
        for (var options : List.of(SamplingOptions.DEFAULT, drawing().build())) {
            assertThatThrownBy(() -> new Sampler(options).next(logits(1, broken), List.of(row(4, 1, 2))))
                    .isInstanceOf(InputException.class)
                    .hasMessageStartingWith("Row 4: the model's logits at token 2 are not numbers");
        }
    }

    @Test
    void optionsOutOfRangeAreNamed() {
        assertMessage(SamplingOptions.builder().temperature(-1), "temperature must be at least 0, not -1.0");
        assertMessage(SamplingOptions.builder().temperature(Double.NaN), "temperature must be at least 0, not NaN");
        assertMessage(SamplingOptions.builder().topK(-1), "top-k must be at least 0, not -1");
        assertMessage(SamplingOptions.builder().topP(1.1), "top-p must be from 0 to 1, not 1.1");
        assertMessage(SamplingOptions.builder().minP(-0.1), "min-p must be from 0 to 1, not -0.1");
        assertMessage(SamplingOptions.builder().repetitionPenalty(0), "repetition-penalty must be above 0, not 0.0");
        assertMessage(SamplingOptions.builder().maxNewTokens(0), "max-new-tokens must be at least 1, not 0");
        assertMessage(SamplingOptions.builder().stopTokens(Set.of(-1)), "stop-tokens must be ids");
        assertMessage(SamplingOptions.builder().stopStrings(List.of("end", "")), "A stop string is empty");
    }

    private static void assertMessage(SamplingOptions.Builder options, String message) {
        assertThatThrownBy(options::build).isInstanceOf(InputException.class).hasMessageContaining(message);
    }
}
