package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TrainingOptionsTest {
    static Stream<Arguments> wrong() {
        return Stream.of(
                wrong(b -> b.epochs(0), "epochs must be above 0, not 0.0"),
                wrong(b -> b.maxSteps(-1), "steps must be at least 0, not -1"),
                wrong(b -> b.batchSize(0), "batch-size must be at least 1, not 0"),
                wrong(b -> b.batchSize(4).accumulation(5), "accumulation must be no more than batch-size, 4, not 5"),
                wrong(b -> b.maxTokens(1), "max-tokens must be 0 or at least 2, not 1"),
                wrong(b -> b.clipNorm(Double.NaN), "clip-norm must be at least 0, not NaN"),
                wrong(b -> b.weightDecay(-0.1), "weight-decay must be at least 0, not -0.1"),
                wrong(b -> b.learningRate(-1), "learning rate must be a number from 0 up, not -1.0"),
                wrong(b -> b.warmUpRatio(1.5), "warm-up ratio must lie between 0 and 1, not 1.5"),
                wrong(b -> b.warmUpSteps(-1), "warm-up-steps must be at least 0, not -1"),
                wrong(b -> b.schedule("cosin"), "Did you mean 'cosine'?"),
                wrong(b -> b.prefix(new PrefixOptions(-1, false)), "prefix-cache-mb must be at least 0, not -1"),
                wrong(b -> b.dtype("bf6"), "Did you mean 'bf16'?"));
    }

    private static Arguments wrong(UnaryOperator<TrainingOptions.Builder> change, String message) {
        return Arguments.of(change, message);
    }

    @ParameterizedTest
    @MethodSource("wrong")
    void aNumberOutOfRangeIsNamed(UnaryOperator<TrainingOptions.Builder> change, String message) {
        assertThatThrownBy(() -> change.apply(TrainingOptions.builder()).build())
                .isInstanceOf(InputException.class)
                .hasMessageContaining(message);
    }

    @Test
    void stepsFollowFromEpochsUnlessTheyAreGiven() {
        assertThat(TrainingOptions.DEFAULT.steps(125)).isEqualTo(375);
        assertThat(TrainingOptions.builder().epochs(0.5).build().steps(125)).isEqualTo(63);
        assertThat(TrainingOptions.builder().epochs(0.001).build().steps(125)).isEqualTo(1);
        assertThat(TrainingOptions.builder().maxSteps(7).build().steps(125)).isEqualTo(7);
    }

    @Test
    void theWarmUpIsAShareOrANumberOfSteps() {
        var share = TrainingOptions.builder().warmUpRatio(0.1).build().schedule(100);
        assertThat(share.warmupSteps()).isEqualTo(10);
        assertThat(share.rate(0)).isZero();
        assertThat(share.rate(10)).isEqualTo(1e-3);
        assertThat(TrainingOptions.builder()
                        .warmUpRatio(0.1)
                        .warmUpSteps(4)
                        .build()
                        .schedule(100)
                        .warmupSteps())
                .isEqualTo(4);
    }

    @Test
    void whatIsNotSetKeepsItsDefault() {
        assertThat(TrainingOptions.builder().build()).isEqualTo(TrainingOptions.DEFAULT);
        assertThat(TrainingOptions.builder().seed(5).build().toBuilder().seed(0).build())
                .isEqualTo(TrainingOptions.DEFAULT);
    }
}
