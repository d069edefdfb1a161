package dev.espalier.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class ScheduleTest {
    private static final JsonNode FIXTURE = Json.read(Floats.path("optim/schedules.json"));

    static Stream<Arguments> fixtures() {
        return FIXTURE.get("schedules").properties().stream()
                .map(entry -> Arguments.of(entry.getKey(), entry.getValue()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("fixtures")
    void everyStepUsesTheRateOfTransformers(String name, JsonNode expected) {
        var peak = FIXTURE.get("base_lr").asDouble();
        var steps = FIXTURE.get("steps").asInt();
        var schedule =
                new Schedule(decay(expected, peak), peak, expected.get("warmup").asInt(), steps);
        for (int step = 0; step < steps; step++) {
            var rate = expected.get("lr").get(step).asDouble();
            assertThat(schedule.rate(step)).as("step %d", step).isCloseTo(rate, within(1e-12 + 1e-9 * rate));
        }
        assertThat(schedule.rate(steps))
                .isCloseTo(expected.get("lr_after_last_step").asDouble(), within(1e-12));
    }

    private static Decay decay(JsonNode expected, double peak) {
        return switch (expected.get("type").asString()) {
            case "constant", "constant_with_warmup" -> Decay.constant();
            case "linear" -> Decay.linear();
            case "cosine" -> Decay.cosine();
            case "cosine_with_min_lr" ->
                Decay.cosine(expected.get("min_lr_rate").asDouble());
            case "cosine_with_restarts" ->
                Decay.cosineWithRestarts(expected.get("num_cycles").asInt());
            case "polynomial" -> Decay.polynomial(2, 1e-7 / peak);
            case "inverse_sqrt" -> Decay.inverseSqrt();
            default -> throw new IllegalArgumentException(expected.toString());
        };
    }

    @Test
    void decaysStayAtTheirEndAfterTheLastStep() {
        assertThat(Schedule.named("linear", 1, 0, 10).rate(15)).isZero();
        assertThat(Schedule.named("cosine", 1, 0, 10).rate(15)).isZero();
        assertThat(new Schedule(Decay.cosine(0.25), 2, 0, 10).rate(11)).isCloseTo(0.5, within(1e-12));
    }

    @Test
    void aRunThatIsAllWarmupNeverDividesByZero() {
        var schedule = Schedule.named("linear", 1, 10, 10);
        assertThat(schedule.rate(9)).isEqualTo(0.9);
        assertThat(schedule.rate(10)).isEqualTo(1);
    }

    @Test
    void aWarmupRatioIsRoundedUpToSteps() {
        assertThat(Schedule.warmupSteps(0.06, 376)).isEqualTo(23);
        assertThat(Schedule.warmupSteps(0, 376)).isZero();
        assertThatThrownBy(() -> Schedule.warmupSteps(6, 376))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("between 0 and 1, not 6.0");
    }

    @Test
    void anUnknownNameIsAnsweredWithTheNearest() {
        assertThatThrownBy(() -> Schedule.named("cosin", 1, 0, 10))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("Did you mean 'cosine'?");
    }

    @Test
    void ratesThatCannotTrainAreRejected() {
        assertThatThrownBy(() -> Schedule.named("linear", -1e-3, 0, 10)).isInstanceOf(InputException.class);
        assertThatThrownBy(() -> Schedule.named("linear", Double.NaN, 0, 10)).isInstanceOf(InputException.class);
        assertThatThrownBy(() -> Schedule.named("linear", 1e-3, -1, 10)).isInstanceOf(InputException.class);
    }
}
