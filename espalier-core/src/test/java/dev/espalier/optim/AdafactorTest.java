package dev.espalier.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Scope;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@NullUnmarked // a missing fixture fails the test either way
class AdafactorTest {
    private static final String OPTIM = "optim/optim.safetensors";
    private static final String A = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";

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
    void aMatrixFollowsAPlainLoop() {
        follow(1, 4, 64, Adafactor.Options.DEFAULT, 0);
    }

    @Test
    void weightDecayAndParameterScaleFollowAPlainLoop() {
        follow(1, 4, 64, new Adafactor.Options(1e-30, 1e-3, 0.5, -0.6, true), 0.1);
    }

    @Test
    void stackedMatricesAreFactoredEachForItself() {
        follow(4, 8, 8, Adafactor.Options.DEFAULT, 0.01);
    }

    @Test
    void aVectorKeepsItsWholeSecondMoment() {
        follow(1, 1, 256, Adafactor.Options.DEFAULT, 0);
    }

    /** Eight steps on real gradients viewed as {@code [stacks, rows, columns]}; one row stands for a vector. */
    private void follow(int stacks, int rows, int columns, Adafactor.Options options, double decay) {
        var shape = rows == 1 ? new long[] {columns} : new long[] {stacks, rows, columns};
        var parameter = Floats.fixture("adapters/lora_qv/adapter_model.safetensors", "")
                .get(A)
                .reshape(shape);
        var gradient = Floats.fixture(OPTIM, "clip.grad_before.")
                .get(A)
                .mul(new Scalar(3.0))
                .reshape(shape);
        var plain = new PlainAdafactor(Floats.of(parameter), stacks, rows, columns, options, decay);
        parameter.requires_grad_(true);
        try (var adafactor = new Adafactor(List.of(new ParameterGroup(Map.of(A, parameter), 2, decay)), options)) {
            for (int step = 1; step <= 8; step++) {
                var now = gradient.mul(new Scalar(Math.cos(step))).add(new Scalar(step * 1e-3));
                adafactor.step(Map.of(A, now), 5e-4);
                plain.step(Floats.of(now), 1e-3);
            }
            assertThat(adafactor.state()).hasSize(rows == 1 ? 2 : 3);
        }
        var got = Floats.of(parameter);
        for (int i = 0; i < got.length; i++) {
            assertThat((double) got[i]).as("element %d", i).isCloseTo(plain.parameter[i], within(1e-6));
        }
    }

    @Test
    void anUpdateIsNoLargerThanItsThreshold() {
        var parameter = Tensor.create(new float[4], 2, 2);
        try (var adafactor =
                new Adafactor(List.of(ParameterGroup.of(Map.of("p", parameter), 0)), Adafactor.Options.DEFAULT)) {
            adafactor.step(Map.of("p", Tensor.create(new float[] {1e-6f, 1e-6f, 1e-6f, 1e-6f}, 2, 2)), 1e-2);
            var before = parameter.clone();
            // A gradient a million times the average so far: unclipped, its update would be over 1.5 times the rate.
            adafactor.step(Map.of("p", Tensor.create(new float[] {1, 1, 1, 1}, 2, 2)), 1e-2);
            assertThat(Floats.of(parameter.sub(before)))
                    .containsExactly(new float[] {-1e-2f, -1e-2f, -1e-2f, -1e-2f}, within(1e-7f));
        }
    }

    @Test
    void aRunLoadedFromItsStateGoesOnToTheLastBit() {
        var gradient = Floats.fixture(OPTIM, "clip.grad_before.").get(A);
        var whole = Tensor.create(new float[256], 4, 64);
        var resumed = Tensor.create(new float[256], 4, 64);
        try (var first = new Adafactor(List.of(ParameterGroup.of(Map.of(A, whole), 0)), Adafactor.Options.DEFAULT);
                var second =
                        new Adafactor(List.of(ParameterGroup.of(Map.of(A, resumed), 0)), Adafactor.Options.DEFAULT)) {
            first.step(Map.of(A, gradient), 1e-2);
            second.load(first.state());
            resumed.copy_(whole);
            var next = Map.of(A, gradient.mul(new Scalar(-2.0)).add(new Scalar(1e-3)));
            first.step(next, 1e-2);
            second.step(next, 1e-2);
        }
        assertThat(Floats.of(resumed)).containsExactly(Floats.of(whole));
    }

    @Test
    void stepsLeaveNoNativeObjects() {
        var gradients = Map.of(A, Floats.fixture(OPTIM, "clip.grad_before.").get(A));
        var parameter = Tensor.create(new float[256], 4, 64);
        try (var adafactor =
                new Adafactor(List.of(ParameterGroup.of(Map.of(A, parameter), 0)), Adafactor.Options.DEFAULT)) {
            adafactor.step(gradients, 1e-3);
            var alive = Scope.liveObjects();
            for (int step = 0; step < 20; step++) {
                adafactor.step(gradients, 1e-3);
            }
            assertThat(Scope.liveObjects()).isEqualTo(alive);
        }
    }

    @Test
    void settingsOutOfRangeAreTheUsersToCorrect() {
        assertThatThrownBy(() -> new Adafactor.Options(-1, 1e-3, 1, -0.8, false))
                .isInstanceOf(InputException.class);
        assertThatThrownBy(() -> new Adafactor.Options(1e-30, 1e-3, 0, -0.8, false))
                .isInstanceOf(InputException.class);
        assertThatThrownBy(() -> new Adafactor.Options(1e-30, 1e-3, 1, 0.8, false))
                .isInstanceOf(InputException.class);
    }

    /** The formula, in double precision and without factoring tricks: every element's own sums. */
    private static final class PlainAdafactor {
        final double[] parameter;
        private final int rows;
        private final int columns;
        private final Adafactor.Options options;
        private final double decay;
        private final double[] row;
        private final double[] column;
        private final double[] whole;
        private int step;

        PlainAdafactor(float[] values, int stacks, int rows, int columns, Adafactor.Options options, double decay) {
            this.parameter = IntStream.range(0, values.length)
                    .mapToDouble(i -> values[i])
                    .toArray();
            this.rows = rows;
            this.columns = columns;
            this.options = options;
            this.decay = decay;
            this.row = new double[stacks * rows];
            this.column = new double[stacks * columns];
            this.whole = new double[values.length];
        }

        void step(float[] gradient, double learningRate) {
            step++;
            var beta = 1 - Math.pow(step, options.decayRate());
            var square = new double[gradient.length];
            for (int i = 0; i < gradient.length; i++) {
                square[i] = (double) gradient[i] * gradient[i] + options.epsilon1();
            }
            var second = rows == 1 ? vector(square, beta) : matrices(square, beta);
            var update = new double[gradient.length];
            for (int i = 0; i < gradient.length; i++) {
                update[i] = gradient[i] / Math.sqrt(second[i]);
            }
            var rate = options.scaleParameter()
                    ? learningRate * Math.max(options.epsilon2(), rms(parameter))
                    : learningRate;
            var clip = Math.max(1, rms(update) / options.clipThreshold());
            for (int i = 0; i < gradient.length; i++) {
                parameter[i] = parameter[i] * (1 - rate * decay) - rate * update[i] / clip;
            }
        }

        private double[] vector(double[] square, double beta) {
            for (int i = 0; i < square.length; i++) {
                whole[i] = beta * whole[i] + (1 - beta) * square[i];
            }
            return whole;
        }

        private double[] matrices(double[] square, double beta) {
            IntStream.range(0, row.length).forEach(r -> row[r] *= beta);
            IntStream.range(0, column.length).forEach(c -> column[c] *= beta);
            for (int i = 0; i < square.length; i++) {
                row[i / columns] += (1 - beta) * square[i] / columns;
                column[columnOf(i)] += (1 - beta) * square[i] / rows;
            }
            for (int i = 0; i < square.length; i++) {
                var first = i / columns / rows * rows;
                var mean = IntStream.range(first, first + rows)
                                .mapToDouble(r -> row[r])
                                .sum()
                        / rows;
                whole[i] = row[i / columns] * column[columnOf(i)] / mean;
            }
            return whole;
        }

        private int columnOf(int element) {
            return element / columns / rows * columns + element % columns;
        }

        private static double rms(double[] values) {
            return Math.sqrt(IntStream.range(0, values.length)
                    .mapToDouble(i -> values[i] * values[i])
                    .average()
                    .orElseThrow());
        }
    }
}
