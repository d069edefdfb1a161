package dev.espalier.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@NullUnmarked // a missing fixture fails the test either way
class AdamWTest {
    private static final String OPTIM = "optim/optim.safetensors";
    private static final String ADAPTER = "adapters/lora_qv/adapter_model.safetensors";
    private static final String GRADIENTS = "clip.grad_before.";

    private Scope scope;

    @BeforeEach
    void open() {
        scope = Scope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    @Test
    void oneStepFromPytorchsGradientsGivesPytorchsParameters() {
        var parameters = trainable();
        try (var adamw = new AdamW(List.of(ParameterGroup.of(parameters, 0.01)), AdamW.Options.DEFAULT)) {
            adamw.step(Floats.fixture(OPTIM, "accumulate.grad."), 1e-2);
        }
        var expected = Floats.fixture(OPTIM, "accumulate.after_step.");
        assertThat(parameters.keySet()).isEqualTo(expected.keySet());
        parameters.forEach((name, parameter) -> assertThat(Floats.of(parameter))
                .as(name)
                .containsExactly(Floats.of(expected.get(name)), within(1e-6f)));
    }

    @Test
    void manyStepsInTwoGroupsFollowADoublePrecisionLoop() {
        var parameters = trainable();
        var gradients = Floats.fixture(OPTIM, GRADIENTS);
        Map<String, Tensor> a = new LinkedHashMap<>();
        Map<String, Tensor> b = new LinkedHashMap<>();
        Map<String, PlainAdamW> plain = new HashMap<>();
        parameters.forEach((name, parameter) -> {
            var isA = name.contains("lora_A");
            (isA ? a : b).put(name, parameter);
            plain.put(name, new PlainAdamW(Floats.of(parameter), isA ? 1 : 16, isA ? 0.1 : 0));
        });
        var groups = List.of(new ParameterGroup(a, 1, 0.1), new ParameterGroup(b, 16, 0));
        try (var adamw = new AdamW(groups, new AdamW.Options(0.8, 0.95, 1e-6))) {
            for (int step = 1; step <= 25; step++) {
                var now = scaled(gradients, Math.sin(step));
                adamw.step(now, 1e-3 / step);
                for (var entry : plain.entrySet()) {
                    entry.getValue().step(Floats.of(now.get(entry.getKey())), 1e-3 / step);
                }
            }
        }
        parameters.forEach((name, parameter) -> {
            var got = Floats.of(parameter);
            var want = plain.get(name).parameter;
            for (int i = 0; i < got.length; i++) {
                assertThat((double) got[i]).as("%s[%d]", name, i).isCloseTo(want[i], within(2e-6));
            }
        });
    }

    @Test
    void aParameterWithoutGradientKeepsItsValueAndItsStepCount() {
        var parameters = trainable();
        var names = new ArrayList<>(parameters.keySet());
        var before = Floats.of(parameters.get(names.get(0)));
        var gradients = Floats.fixture(OPTIM, GRADIENTS);
        gradients.remove(names.get(0));
        try (var adamw = new AdamW(List.of(ParameterGroup.of(parameters, 0.1)), AdamW.Options.DEFAULT)) {
            adamw.step(gradients, 1e-2);
            adamw.step(Floats.fixture(OPTIM, GRADIENTS), 0);
            assertThat(Floats.of(parameters.get(names.get(0)))).containsExactly(before);
            assertThat(adamw.state().get(names.get(0) + ".step").item_double()).isEqualTo(1);
            assertThat(adamw.state().get(names.get(1) + ".step").item_double()).isEqualTo(2);
        }
    }

    @Test
    void gradientsInAnotherLayoutOrDtypeGiveTheSameStep() {
        var gradients = Floats.fixture(OPTIM, GRADIENTS);
        Map<String, Tensor> transposed = new LinkedHashMap<>();
        gradients.forEach((name, gradient) -> transposed.put(
                name, gradient.to(ScalarType.Double).t().contiguous().t()));
        assertThat(transposed.values()).noneMatch(Tensor::is_contiguous);
        assertThat(afterOneStep(transposed)).isEqualTo(afterOneStep(gradients));
    }

    @Test
    void aRunLoadedFromItsStateGoesOnToTheLastBit() {
        var gradients = Floats.fixture(OPTIM, GRADIENTS);
        var whole = trainable();
        var resumed = trainable();
        try (var first = new AdamW(List.of(ParameterGroup.of(whole, 0.01)), AdamW.Options.DEFAULT);
                var second = new AdamW(List.of(ParameterGroup.of(resumed, 0.01)), AdamW.Options.DEFAULT)) {
            first.step(gradients, 1e-2);
            second.load(first.state());
            for (var name : resumed.keySet()) {
                resumed.get(name).detach().copy_(whole.get(name));
            }
            for (int step = 2; step < 5; step++) {
                var now = scaled(gradients, step);
                first.step(now, 1e-2);
                second.step(now, 1e-2);
            }
        }
        for (var name : whole.keySet()) {
            assertThat(Floats.of(resumed.get(name))).containsExactly(Floats.of(whole.get(name)));
        }
    }

    @Test
    void aStateOfAnotherAdapterIsRejectedAndChangesNothing() {
        var parameters = trainable();
        var name = parameters.keySet().iterator().next();
        try (var adamw = new AdamW(List.of(ParameterGroup.of(parameters, 0)), AdamW.Options.DEFAULT)) {
            adamw.step(Floats.fixture(OPTIM, GRADIENTS), 1e-2);
            Map<String, Tensor> saved = new LinkedHashMap<>();
            adamw.state().forEach((key, tensor) -> saved.put(key, tensor.add(new Scalar(1.0))));

            var lacking = new LinkedHashMap<>(saved);
            lacking.remove(name + ".exp_avg");
            assertThatThrownBy(() -> adamw.load(lacking))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("lacks " + name + ".exp_avg");

            var other = new LinkedHashMap<>(saved);
            other.put("other.step", saved.get(name + ".step"));
            assertThatThrownBy(() -> adamw.load(other))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("other.step");

            var reshaped = new LinkedHashMap<>(saved);
            reshaped.put(name + ".exp_avg_sq", saved.get(name + ".step"));
            assertThatThrownBy(() -> adamw.load(reshaped))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("of shape []")
                    .hasMessageContaining("needs [4, 64]");

            assertThat(adamw.state().get(name + ".step").item_double()).isEqualTo(1);
        }
    }

    @Test
    void wrongTensorsAreNamed() {
        var parameters = trainable();
        var name = parameters.keySet().iterator().next();
        try (var adamw = new AdamW(List.of(ParameterGroup.of(parameters, 0)), AdamW.Options.DEFAULT)) {
            assertThatThrownBy(() -> adamw.step(Map.of("query", Tensor.create(1f)), 1e-2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("query");
            assertThatThrownBy(() -> adamw.step(Map.of(name, Tensor.create(1f)), 1e-2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("[1], its parameter [4, 64]");
        }
        var half = Map.of("half", parameters.get(name).to(ScalarType.BFloat16));
        assertThatThrownBy(() -> new AdamW(List.of(ParameterGroup.of(half, 0)), AdamW.Options.DEFAULT))
                .hasMessageContaining("half must be contiguous fp32");
        var group = ParameterGroup.of(parameters, 0);
        assertThatThrownBy(() -> new AdamW(List.of(group, group), AdamW.Options.DEFAULT))
                .hasMessageContaining("two groups");
    }

    @Test
    void settingsOutOfRangeAreTheUsersToCorrect() {
        assertThatThrownBy(() -> new AdamW.Options(1, 0.999, 1e-8)).isInstanceOf(InputException.class);
        assertThatThrownBy(() -> new AdamW.Options(0.9, 0.999, -1)).isInstanceOf(InputException.class);
        assertThatThrownBy(() -> ParameterGroup.of(Map.of(), -0.1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("weight decay");
    }

    @Test
    void stepsLeaveNoNativeObjects() {
        var parameters = trainable();
        var gradients = Floats.fixture(OPTIM, GRADIENTS);
        try (var adamw = new AdamW(List.of(ParameterGroup.of(parameters, 0)), AdamW.Options.DEFAULT)) {
            adamw.step(gradients, 1e-3);
            var alive = Scope.liveObjects();
            for (int step = 0; step < 50; step++) {
                adamw.step(gradients, 1e-3);
                GradientClipping.clip(gradients, 1);
            }
            assertThat(Scope.liveObjects()).isEqualTo(alive);
        }
    }

    private static List<Float> afterOneStep(Map<String, Tensor> gradients) {
        var parameters = trainable();
        try (var adamw = new AdamW(List.of(ParameterGroup.of(parameters, 0.01)), AdamW.Options.DEFAULT)) {
            adamw.step(gradients, 1e-2);
        }
        List<Float> all = new ArrayList<>();
        for (var parameter : parameters.values()) {
            for (float value : Floats.of(parameter)) {
                all.add(value);
            }
        }
        return all;
    }

    /** As in training: leaves of the tape. */
    private static Map<String, Tensor> trainable() {
        var parameters = Floats.fixture(ADAPTER, "");
        parameters.values().forEach(parameter -> parameter.requires_grad_(true));
        return parameters;
    }

    private static Map<String, Tensor> scaled(Map<String, Tensor> gradients, double factor) {
        Map<String, Tensor> scaled = new LinkedHashMap<>();
        gradients.forEach((name, gradient) -> scaled.put(name, gradient.mul(new Scalar(factor))));
        return scaled;
    }

    private static final class PlainAdamW {
        final double[] parameter;
        private final double[] average;
        private final double[] square;
        private final double multiplier;
        private final double decay;
        private int step;

        PlainAdamW(float[] values, double multiplier, double decay) {
            parameter = new double[values.length];
            for (int i = 0; i < values.length; i++) {
                parameter[i] = values[i];
            }
            average = new double[values.length];
            square = new double[values.length];
            this.multiplier = multiplier;
            this.decay = decay;
        }

        void step(float[] gradient, double learningRate) {
            step++;
            var rate = learningRate * multiplier;
            for (int i = 0; i < parameter.length; i++) {
                parameter[i] -= rate * decay * parameter[i];
                average[i] = 0.8 * average[i] + 0.2 * gradient[i];
                square[i] = 0.95 * square[i] + 0.05 * gradient[i] * gradient[i];
                var m = average[i] / (1 - Math.pow(0.8, step));
                var v = square[i] / (1 - Math.pow(0.95, step));
                parameter[i] -= rate * m / (Math.sqrt(v) + 1e-6);
            }
        }
    }
}
