package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.optim.Optimizer;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What an optimizer forgets of a parameter, and what it does not. */
class ForgetfulOptimizerTest {
    @ParameterizedTest
    @EnumSource(OptimizerKind.class)
    @SuppressWarnings("try") // the guard works by being open
    void aForgottenParameterIsUpdatedAsInAFirstStepAndOthersAreNot(OptimizerKind kind) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var a = new Parameter("layer.a.weight", random("a"), true);
            var b = new Parameter("layer.a", random("b"), true); // its name is the other's beginning
            try (var optimizer = kind.create(List.of(a, b), Map.of(), 0);
                    var first = kind.create(List.of(a, b), Map.of(), 0)) {
                var gradients = Map.of(a.name(), random("ga"), b.name(), random("gb"));
                for (int i = 0; i < 3; i++) {
                    optimizer.step(Map.of(a.name(), random("x" + i), b.name(), random("y" + i)), .1);
                }
                optimizer.forget(Set.of(a.name()));
                var start = a.value().clone();
                var startB = b.value().clone();
                var changed = change(optimizer, gradients, a, start);
                var changedB = b.value().sub(startB);
                a.value().copy_(start);
                b.value().copy_(startB);
                assertThat(changed).containsExactly(change(first, gradients, a, start));
                assertThat(Fixtures.doubles(changedB))
                        .isNotEqualTo(Fixtures.doubles(b.value().sub(startB)));
                assertThatThrownBy(() -> optimizer.forget(Set.of("layer")))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("There is no parameter named layer.");
            }
        }
    }

    private static double[] change(Optimizer optimizer, Map<String, Tensor> gradients, Parameter a, Tensor start) {
        optimizer.step(gradients, .1);
        return Fixtures.doubles(a.value().sub(start));
    }

    private static Tensor random(String name) {
        return Initialiser.normal(1, RandomStream.of(2).at(name), 3, 4);
    }
}
