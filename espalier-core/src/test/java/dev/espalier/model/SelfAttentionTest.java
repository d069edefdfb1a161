package dev.espalier.model;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

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
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
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

    private static Tensor random(String name, long rows) {
        return Initialiser.normal(1, RandomStream.of(2).at(name), rows, (long) HEADS * EACH);
    }

    /** The result, and the gradients of queries, keys and values; of {@code queries} tokens of every row. */
    private static List<Tensor> run(long chunk, double dropout, int queries, Scope scope) {
        var layout = Layout.rightPadded(TOKENS, LENGTHS);
        var training = new ForwardContext.Training(RandomStream.of(3), new long[] {4, 8, 15, 16, 23}, LENGTHS.length);
        try (var gradients = new Gradients(List.of());
                var context = ForwardContext.training(Tape.recording(gradients), layout, training)) {
            var tape = context.tape();
            long rows = (long) LENGTHS.length * TOKENS;
            long asked = (long) LENGTHS.length * queries;
            var inputs = new ArrayList<Variable>();
            inputs.add(tape.input(random("q", asked)));
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

    @Test
    void resultIsThatOfPlainLoops() {
        try (var scope = Scope.open()) {
            var actual = run(1, 0, TOKENS, scope).get(0);
            long rows = (long) LENGTHS.length * TOKENS;
            var q = FloatArrays.of(random("q", rows));
            var k = FloatArrays.of(random("k", rows));
            var v = FloatArrays.of(random("v", rows));
            var expected = new float[q.length];
            for (int row = 0; row < LENGTHS.length; row++) {
                for (int head = 0; head < HEADS; head++) {
                    for (int query = 0; query < TOKENS; query++) {
                        attend(q, k, v, row, head, query, expected);
                    }
                }
            }
            assertClose("result", actual, FloatArrays.tensor(expected, rows, (long) HEADS * EACH), 1e-5, 1e-6);
        }
    }

    private static void attend(float[] q, float[] k, float[] v, int row, int head, int query, float[] result) {
        int width = HEADS * EACH;
        int at = (row * TOKENS + query) * width + head * EACH;
        double sum = 0;
        var values = new double[EACH];
        for (int key = 0; key < LENGTHS[row]; key++) {
            int from = (row * TOKENS + key) * width + head * EACH;
            double score = 0;
            for (int i = 0; i < EACH; i++) {
                score += q[at + i] * k[from + i] / Math.sqrt(EACH);
            }
            double weight = Math.exp(score);
            sum += weight;
            for (int i = 0; i < EACH; i++) {
                values[i] += weight * v[from + i];
            }
        }
        for (int i = 0; i < EACH; i++) {
            result[at + i] = (float) (values[i] / sum);
        }
    }
}
