package dev.espalier.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class MetricTest {
    @Test
    void higherOrLowerIsBetterByMetric() {
        assertThat(Metric.ACCURACY.better(0.8, 0.7)).isTrue();
        assertThat(Metric.ACCURACY.better(0.7, 0.7)).isFalse();
        assertThat(Metric.LOSS.better(0.7, 0.8)).isTrue();
        assertThat(Metric.MSE.better(0.8, 0.7)).isFalse();
    }

    @Test
    void aNumberBeatsNaNAndNaNBeatsNothing() {
        for (var metric : Metric.values()) {
            assertThat(metric.better(0.1, Double.NaN)).isTrue();
            assertThat(metric.better(Double.NaN, 0.1)).isFalse();
            assertThat(metric.better(Double.NaN, Double.NaN)).isFalse();
        }
    }

    @Test
    void namesHaveHyphensInRecipesAndUnderscoresInFiles() {
        assertThat(Metric.named("macro-f1", TaskKind.SINGLE_LABEL)).isSameAs(Metric.MACRO_F1);
        assertThat(Metric.named("macro_f1", TaskKind.MULTI_LABEL)).isSameAs(Metric.MACRO_F1);
        assertThat(Metric.MACRO_F1.key()).isEqualTo("macro_f1");
    }

    @Test
    void aMetricOfAnotherKindIsRejectedWithTheFittingOnes() {
        assertThatThrownBy(() -> Metric.named("macro-f1", TaskKind.REGRESSION))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'macro-f1' is no metric of a regression task")
                .hasMessageContaining("mse, pearson, spearman, loss");
        assertThatThrownBy(() -> Metric.named("acuracy", TaskKind.SINGLE_LABEL))
                .hasMessageContaining("Did you mean 'accuracy'?");
    }

    @Test
    void everyKindHasADefaultOfItsOwn() {
        for (var kind : TaskKind.values()) {
            var metric = Metric.defaultFor(kind);
            assertThat(Metric.named(metric.key(), kind)).isSameAs(metric);
        }
    }

    @Test
    void labelsAreWrittenAsTheFieldWritesThem() {
        assertThat(Stream.of("rouge_l", "exact_match", "macro_f1", "mse", "token_accuracy")
                        .map(Metric::label))
                .containsExactly("ROUGE-L", "exact match", "macro F1", "MSE", "token accuracy");
    }
}
