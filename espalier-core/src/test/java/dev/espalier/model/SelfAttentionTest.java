package dev.espalier.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.OnEngine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention in chunks of rows, and attention against plain loops. */
@ExtendWith(OnEngine.class)
class SelfAttentionTest {
    private static final int HEADS = 3;
    private static final int EACH = 4;
    private static final int[] LENGTHS = {9, 5, 1, 9, 7};
    private static final int TOKENS = 9;

    /** Enough scores for the softmax that leaves out the shift where it can. */
    private static final int[] LONG = {40, 31, 1, 38, 40};

    private static Tensor random(String name, long rows) {
        return Initialiser.normal(1, RandomStream.of(2).at(name), rows, (long) HEADS * EACH);
    }

    /** The result, and the gradients of queries, keys and values; of {@code queries} tokens of every row. */
    private static List<Tensor> run(long chunk, double dropout, int queries, Scope scope) {
        return run(LENGTHS, chunk, dropout, queries, 1, scope);
    }

    /** The same of other rows, with queries of another size. */
    private static List<Tensor> run(int[] lengths, long chunk, double dropout, int queries, double size, Scope scope) {
        int tokens = lengths[0];
        var layout = Layout.rightPadded(tokens, lengths);
        var training = new ForwardContext.Training(RandomStream.of(3), new long[] {4, 8, 15, 16, 23}, lengths.length);
        try (var gradients = new Gradients(List.of());
                var context = ForwardContext.training(Tape.recording(gradients), layout, training)) {
            var tape = context.tape();
            long rows = (long) lengths.length * tokens;
            long asked = (long) lengths.length * queries;
            var inputs = new ArrayList<Variable>();
            inputs.add(tape.input(random("q", asked).mul_(new Scalar(size))));
            inputs.add(tape.input(random("k", rows)));
            inputs.add(tape.input(random("v", rows)));
            var attention = new SelfAttention("a", HEADS, dropout, chunk);
            var y = attention.forward(inputs.get(0), inputs.get(1), inputs.get(2), context);
            var results = new ArrayList<>(List.of(scope.keep(y.value().clone())));
            tape.backward(y, random("dY", asked));
            inputs.forEach(input -> results.add(
                    scope.keep(Objects.requireNonNull(input.gradient()).clone())));
            return results;
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 9", "0.3, 9", "0, 1", "0.3, 1"})
    void rowsInChunksAreTheSameToTheBit(double dropout, int queries) {
        long row = (long) HEADS * queries * TOKENS * Float.BYTES;
        try (var scope = Scope.open()) {
            var whole = run(LENGTHS.length * row, dropout, queries, scope);
            for (long chunk : new long[] {1, row, 2 * row, 3 * row}) {
                var cut = run(chunk, dropout, queries, scope);
                for (int i = 0; i < whole.size(); i++) {
                    assertThat(torch.equal(cut.get(i), whole.get(i))).isTrue();
                }
            }
        }
    }

    /** Scores of a few units, and scores whose exponentials overflow. */
    @ParameterizedTest
    @CsvSource({"1, 9, 1e-5", "1, 2, 1e-5", "1, 40, 1e-5", "60, 40, 2e-4", "60, 3, 2e-4"})
    void resultAndGradientsAreThoseOfPlainLoops(double size, int queries, double tolerance) {
        var lengths = queries > TOKENS || size > 1 ? LONG : LENGTHS;
        try (var scope = Scope.open()) {
            var actual = run(lengths, 1 << 20, 0, queries, size, scope);
            var expected = new Loops(lengths, queries, size).run();
            for (int i = 0; i < expected.size(); i++) {
                var floats = FloatArrays.of(actual.get(i));
                assertThat(floats).hasSameSizeAs(expected.get(i));
                for (int place = 0; place < floats.length; place++) {
                    double bound = tolerance * (1 + Math.abs(expected.get(i)[place]));
                    assertThat((double) floats[place]).isCloseTo(expected.get(i)[place], within(bound));
                }
            }
        }
    }

    /** Attention and its gradients, number by number in fp64. */
    private static final class Loops {
        private static final int WIDTH = HEADS * EACH;
        private final int[] lengths;
        private final int tokens;
        private final int queries;
        private final double[] q;
        private final double[] k;
        private final double[] v;
        private final double[] dY;
        private final double[] y;
        private final double[] dQ;
        private final double[] dK;
        private final double[] dV;

        Loops(int[] lengths, int queries, double size) {
            this.lengths = lengths;
            this.queries = queries;
            tokens = lengths[0];
            q = doubles(random("q", (long) lengths.length * queries).mul_(new Scalar(size)));
            k = doubles(random("k", (long) lengths.length * tokens));
            v = doubles(random("v", (long) lengths.length * tokens));
            dY = doubles(random("dY", (long) lengths.length * queries));
            y = new double[q.length];
            dQ = new double[q.length];
            dK = new double[k.length];
            dV = new double[v.length];
        }

        private static double[] doubles(Tensor x) {
            var floats = FloatArrays.of(x);
            return IntStream.range(0, floats.length).mapToDouble(i -> floats[i]).toArray();
        }

        List<double[]> run() {
            for (int row = 0; row < lengths.length; row++) {
                for (int head = 0; head < HEADS; head++) {
                    for (int query = 0; query < queries; query++) {
                        attend((row * queries + query) * WIDTH + head * EACH, row * tokens * WIDTH + head * EACH, row);
                    }
                }
            }
            return List.of(y, dQ, dK, dV);
        }

        /** A query of a head, at {@code at}; its row's first key of that head lies at {@code from}. */
        private void attend(int at, int from, int row) {
            int keys = lengths[row];
            var p = new double[keys];
            double most = Double.NEGATIVE_INFINITY;
            for (int key = 0; key < keys; key++) {
                p[key] = dot(q, at, k, from + key * WIDTH) / Math.sqrt(EACH);
                most = Math.max(most, p[key]);
            }
            double sum = 0;
            for (int key = 0; key < keys; key++) {
                p[key] = Math.exp(p[key] - most);
                sum += p[key];
            }
            double mean = 0;
            for (int key = 0; key < keys; key++) {
                p[key] /= sum;
                mean += p[key] * dot(dY, at, v, from + key * WIDTH);
            }
            for (int key = 0; key < keys; key++) {
                int place = from + key * WIDTH;
                double slope = p[key] * (dot(dY, at, v, place) - mean) / Math.sqrt(EACH);
                for (int i = 0; i < EACH; i++) {
                    y[at + i] += p[key] * v[place + i];
                    dQ[at + i] += slope * k[place + i];
                    dK[place + i] += slope * q[at + i];
                    dV[place + i] += p[key] * dY[at + i];
                }
            }
        }

        private static double dot(double[] a, int atA, double[] b, int atB) {
            double sum = 0;
            for (int i = 0; i < EACH; i++) {
                sum += a[atA + i] * b[atB + i];
            }
            return sum;
        }
    }
}
