package dev.espalier.train;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.adapter.WeightPenalty;
import dev.espalier.optim.AdamW;
import dev.espalier.optim.GradientClipping;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.optim.Schedule;
import dev.espalier.tensor.RandomStream;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PyTorch's loops around PEFT's model, run with our model, gradients, clipping, schedule and optimizer. */
class OptimizerLoopTest {
    private static final RandomStream UNUSED = RandomStream.of(0);

    @ParameterizedTest
    @ValueSource(ints = {8, 4, 2, 1})
    void accumulatedOverMicroBatchesLossAndGradientsAreThoseOfTheWholeBatch(int size) {
        try (var llama = new LlamaLora();
                var workers = new Workers(1);
                var step = llama.step(workers)) {
            var result = step.run(llama.batches(size), UNUSED);
            assertThat((double) result.labels()).isEqualTo(llama.expectedValues("accumulate.target_tokens")[0]);
            assertLoss(result.loss(), llama.expectedValues("accumulate.loss")[0]);
            for (var parameter : llama.parameters()) {
                assertClose(
                        parameter.name(),
                        step.gradients().of(parameter),
                        llama.expected("accumulate.grad." + LlamaLora.key(parameter)),
                        1e-3,
                        1e-6);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 3, 1})
    void aLossOnTheWeightsCountsOnceHoweverTheStepIsCut(int size) {
        try (var llama = new LlamaLora();
                var workers = new Workers(2);
                var plain = llama.step(workers)) {
            var weight = llama.parameters().get(0);
            WeightPenalty squares = gradients -> {
                gradients.add(weight, weight.value().mul(new Scalar(2.0)));
                return weight.value().square().sum().item_double();
            };
            try (var step = llama.step(workers, Optional.of(squares))) {
                var batches = llama.batches(8).get(0).split(8 / size + 1);
                var without = plain.run(batches, UNUSED);
                var with = step.run(batches, UNUSED);
                double expected = weight.value().square().sum().item_double();
                assertThat(with.loss()).isEqualTo(without.loss());
                assertThat(without.auxiliaryLoss()).isZero();
                assertThat(with.auxiliaryLoss()).isEqualTo(expected);
                var added = step.gradients().of(weight).sub(plain.gradients().of(weight));
                assertClose("added", added, weight.value().mul(new Scalar(2.0)), 1e-3, 1e-5);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 4, 2, 1})
    void aMicroBatchAddsItsTokensShareOfTheLoss(int size) {
        try (var llama = new LlamaLora();
                var workers = new Workers(1);
                var step = llama.step(workers)) {
            var shares = llama.expectedValues("accumulate.micro" + size + ".losses");
            double tokens = llama.expectedValues("accumulate.target_tokens")[0];
            var batches = llama.batches(size);
            assertThat(batches).hasSize(shares.length);
            for (int i = 0; i < shares.length; i++) {
                var alone = step.run(batches.subList(i, i + 1), UNUSED);
                assertLoss(alone.loss() * alone.labels() / tokens, shares[i]);
            }
        }
    }

    /** In fp64: Adam makes a full step of a gradient of 1e-8, whose sign rounding would decide. */
    @Test
    void oneStepOfAdamWGivesPytorchsWeightsAndTheMeanOverTokensStaysApartFromTheMeanOverRows() {
        try (var llama = new LlamaLora(ScalarType.Double);
                var workers = new Workers(1);
                var step = llama.step(workers);
                var adamw = adamW(List.of(ParameterGroup.of(llama.weights(name -> true), 0.01)))) {
            step.run(llama.batches(8), UNUSED);
            adamw.step(step.gradients().byName(), 1e-2);
            assertWeights(llama, "accumulate.after_step.");

            double meanOverTokens = step.run(llama.batches(1), UNUSED).loss();
            double meanOverRows = llama.batches(1).stream()
                    .mapToDouble(row -> step.run(List.of(row), UNUSED).loss())
                    .average()
                    .orElseThrow();
            double wrong = llama.expectedValues("accumulate.wrong_mean_of_means")[0];
            assertLoss(meanOverRows, wrong);
            assertThat(meanOverTokens).isNotCloseTo(wrong, within(0.01));
        }
    }

    @Test
    void clippedGradientsOfTheModelArePytorchs() {
        try (var llama = new LlamaLora();
                var workers = new Workers(1);
                var step = llama.step(workers)) {
            assertLoss(step.run(llama.batches(8), UNUSED).loss(), llama.expectedValues("clip.loss")[0]);
            double norm = GradientClipping.clip(step.gradients().byName(), llama.expectedValues("clip.max_norm")[0]);
            assertNorm(norm, llama.expectedValues("clip.total_norm")[0]);
            for (var parameter : llama.parameters()) {
                assertClose(
                        parameter.name(),
                        step.gradients().of(parameter),
                        llama.expected("clip.grad_after." + LlamaLora.key(parameter)),
                        1e-3,
                        1e-6);
            }
            assertNorm(
                    GradientClipping.clip(step.gradients().byName(), Double.POSITIVE_INFINITY),
                    llama.expectedValues("clip.norm_after")[0]);
        }
    }

    /** In fp64 as well. */
    @Test
    void tenStepsWithWarmUpAndClippingFollowPytorchsTrainer() {
        try (var llama = new LlamaLora(ScalarType.Double);
                var workers = new Workers(1);
                var step = llama.step(workers);
                var adamw = adamW(List.of(ParameterGroup.of(llama.weights(name -> true), 0.01)))) {
            var losses = llama.expectedValues("loop.losses");
            var norms = llama.expectedValues("loop.grad_norms");
            var schedule = Schedule.named("linear", 1e-2, 3, norms.length);
            for (int i = 0; i < norms.length; i++) {
                assertLoss(step.run(llama.batches(8), UNUSED).loss(), losses[i]);
                assertNorm(GradientClipping.clip(step.gradients().byName(), 0.5), norms[i]);
                adamw.step(step.gradients().byName(), schedule.rate(i));
            }
            assertLoss(step.run(llama.batches(8), UNUSED).loss(), losses[norms.length]);
            assertWeights(llama, "loop.final.");
        }
    }

    @Test
    void tenStepsWithARateOfItsOwnForBFollowPeftsLoraPlus() {
        try (var llama = new LlamaLora();
                var workers = new Workers(1);
                var step = llama.step(workers);
                var adamw = OptimizerKind.ADAMW.create(llama.parameters(), llama.learningRateFactors(16), 0)) {
            var losses = llama.expectedValues("loraplus.losses");
            for (int i = 0; i < losses.length - 1; i++) {
                assertLoss(step.run(llama.batches(8), UNUSED).loss(), losses[i]);
                adamw.step(step.gradients().byName(), 1e-3);
            }
            assertLoss(step.run(llama.batches(8), UNUSED).loss(), losses[losses.length - 1]);
            assertWeights(llama, "loraplus.final.");
        }
    }

    private static AdamW adamW(List<ParameterGroup> groups) {
        return new AdamW(groups, AdamW.Options.DEFAULT);
    }

    private static void assertLoss(double actual, double expected) {
        assertThat(actual).as("loss").isCloseTo(expected, within(2e-5 + 1e-4 * expected));
    }

    private static void assertNorm(double actual, double expected) {
        assertThat(actual).as("gradient norm").isCloseTo(expected, within(2e-5 + 1e-4 * expected));
    }

    private static void assertWeights(LlamaLora llama, String prefix) {
        llama.weights(name -> true)
                .forEach((name, weight) ->
                        assertClose(name, weight, llama.expected(prefix + LlamaLora.key(name)), 1e-3, 1e-4));
        assertThat(llama.parameters()).hasSize(8);
    }
}
