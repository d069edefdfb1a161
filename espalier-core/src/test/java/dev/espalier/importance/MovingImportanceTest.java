package dev.espalier.importance;

import static dev.espalier.Fixtures.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MovingImportanceTest {
    private static final double BETA1 = 0.85;
    private static final double BETA2 = 0.7;
    private static final RandomStream RANDOM = RandomStream.of(3);

    @Test
    void scoresAreThoseOfALoop() {
        try (var scope = Scope.open()) {
            var parameter = new Parameter("p", Initialiser.normal(1, RANDOM.at("p"), 4, 3), true);
            var weights = doubles(parameter.value());
            var average = new double[12];
            var uncertainty = new double[12];
            try (var importance = new MovingImportance(List.of(parameter), BETA1, BETA2)) {
                for (int step = 0; step < 5; step++) {
                    var gradient = Initialiser.normal(1, RANDOM.at(step), 4, 3);
                    importance.update(parameter, gradient);
                    var g = doubles(gradient);
                    for (int i = 0; i < 12; i++) {
                        double now = Math.abs(weights[i] * g[i]);
                        average[i] = BETA1 * average[i] + (1 - BETA1) * now;
                        uncertainty[i] = BETA2 * uncertainty[i] + (1 - BETA2) * Math.abs(now - average[i]);
                    }
                }
                var scores = doubles(importance.score(parameter));
                for (int i = 0; i < 12; i++) {
                    assertThat(scores[i]).isCloseTo(average[i] * uncertainty[i], within(1e-6));
                }
            }
        }
    }

    @Test
    void whatWasSavedGoesOnAsIfItHadNotStopped() {
        try (var scope = Scope.open()) {
            var parameter = new Parameter("p", Initialiser.normal(1, RANDOM.at("p"), 4, 3), true);
            var parameters = List.of(parameter);
            try (var whole = new MovingImportance(parameters, BETA1, BETA2);
                    var first = new MovingImportance(parameters, BETA1, BETA2);
                    var second = new MovingImportance(parameters, BETA1, BETA2)) {
                for (int step = 0; step < 4; step++) {
                    var gradient = Initialiser.normal(1, RANDOM.at(step), 4, 3);
                    whole.update(parameter, gradient);
                    if (step == 2) {
                        second.load(first.state());
                    }
                    (step < 2 ? first : second).update(parameter, gradient);
                }

                assertThat(doubles(second.score(parameter))).containsExactly(doubles(whole.score(parameter)));
                assertThat(whole.state()).containsOnlyKeys("p.exp_avg_ipt", "p.exp_avg_unc");
                assertThatThrownBy(() -> whole.load(Map.of()))
                        .isInstanceOf(InputException.class)
                        .hasMessageContaining("p.exp_avg_ipt of shape [4, 3]");
                assertThatThrownBy(() -> new MovingImportance(parameters, 1, 0.5))
                        .isInstanceOf(InputException.class)
                        .hasMessage("beta1 must be at least 0 and below 1, not 1.0.");
            }
        }
    }
}
