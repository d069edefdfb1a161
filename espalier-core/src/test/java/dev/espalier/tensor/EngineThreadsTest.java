package dev.espalier.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.OnEngine;
import dev.espalier.model.ForwardContext;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** How many native threads operations get: one in small passes, all in large products. */
@ExtendWith(OnEngine.class)
class EngineThreadsTest {
    @Test
    @SuppressWarnings("try") // the guards work by being open
    void onlyWhatRunsTogetherHasAllThreadsInside() {
        try (var guard = Engine.enter(3)) {
            try (var alone = Engine.alone()) {
                assertThat(Engine.threadsHere()).isOne();
                assertThat(Engine.together(Engine::threadsHere)).isEqualTo(3);
                assertThat(Engine.threadsHere()).isOne();
                assertThatThrownBy(() -> Engine.together(() -> {
                            throw new IllegalStateException("failed");
                        }))
                        .hasMessage("failed");
                assertThat(Engine.threadsHere()).isOne();
            }
            assertThat(Engine.threadsHere()).isEqualTo(3);
            assertThat(Engine.together(Engine::threadsHere)).isEqualTo(3);
        }
    }

    @Test
    @SuppressWarnings("try")
    void passesOverFewTokensRunAloneUntilTheyAreClosed() {
        try (var guard = Engine.enter(2)) {
            try (var few = ForwardContext.evaluation(Tape.inference(), Layout.rightPadded(8, 8, 5))) {
                assertThat(Engine.threadsHere()).isOne();
            }
            assertThat(Engine.threadsHere()).isEqualTo(2);
            try (var many = ForwardContext.evaluation(Tape.inference(), Layout.rightPadded(40, 40))) {
                assertThat(Engine.threadsHere()).isEqualTo(2);
            }
        }
    }

    @Test
    @SuppressWarnings("try")
    void productsAreTheSameWhicheverThreadsTheyHave() {
        try (var scope = Scope.open();
                var guard = Engine.enter(2)) {
            var x = Initialiser.normal(1, RandomStream.of(1).at("x"), 3, 1024);
            var large = Initialiser.normal(1, RandomStream.of(1).at("w"), 2048, 1024);
            var expected = torch.mm(x, large.t());
            try (var alone = Engine.alone()) {
                assertThat(torch.allclose(Gemm.linear(x, large, null), expected, 1e-4, 1e-3, false))
                        .isTrue();
                assertThat(Engine.threadsHere()).isOne();
            }
        }
    }
}
