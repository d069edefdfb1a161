package dev.espalier.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Scope;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@NullUnmarked // a missing fixture fails the test either way
class GradientClippingTest {
    private static final String OPTIM = "optim/optim.safetensors";

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
    void normAndClippedGradientsArePytorchs() {
        var gradients = Floats.fixture(OPTIM, "clip.grad_before.");
        var scalars = Floats.fixture(OPTIM, "clip.");
        var norm = GradientClipping.clip(gradients, scalars.get("max_norm").item_double());
        assertThat(norm).isCloseTo(scalars.get("total_norm").item_double(), within(1e-6));
        var expected = Floats.fixture(OPTIM, "clip.grad_after.");
        gradients.forEach((name, gradient) ->
                assertThat(Floats.of(gradient)).as(name).containsExactly(Floats.of(expected.get(name)), within(1e-8f)));
        assertThat(GradientClipping.clip(gradients, Double.POSITIVE_INFINITY))
                .isCloseTo(scalars.get("norm_after").item_double(), within(1e-6));
    }

    @Test
    void aNormBelowTheLimitChangesNothing() {
        var gradients = Map.of("a", Tensor.create(3f, 0f), "b", Tensor.create(-4f));
        assertThat(GradientClipping.clip(gradients, 5.1)).isEqualTo(5);
        assertThat(Floats.of(gradients.get("a"))).containsExactly(3, 0);
        assertThat(Floats.of(gradients.get("b"))).containsExactly(-4);
    }

    @Test
    void noGradientsHaveNormZero() {
        assertThat(GradientClipping.clip(Map.of(), 1)).isZero();
    }

    @Test
    void aNonFiniteNormIsReportedByNameAndNothingIsScaled() {
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        gradients.put("layer.0.lora_A", Tensor.create(1e3f, 2f));
        gradients.put("layer.0.lora_B", Tensor.create(Float.NaN, 2f));
        assertThatThrownBy(() -> GradientClipping.clip(gradients, 1))
                .isInstanceOfSatisfying(NonFiniteGradientException.class, e -> assertThat(e.norm())
                        .isNaN())
                .isInstanceOf(InputException.class)
                .hasMessageContaining("NaN")
                .hasMessageContaining("layer.0.lora_B");
        assertThat(Floats.of(gradients.get("layer.0.lora_A"))).containsExactly(1e3f, 2f);
    }

    @Test
    void anOverflowingSumOfFiniteGradientsIsReported() {
        var gradients = Map.of("a", Tensor.create(1.5e19f), "b", Tensor.create(1.5e19f));
        assertThatThrownBy(() -> GradientClipping.clip(gradients, 1))
                .isInstanceOf(NonFiniteGradientException.class)
                .hasMessageContaining("Infinity");
    }
}
