package dev.espalier.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.adapter.SquareLora.Compression;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** MoRA with rotated chunks against a plain loop; sums of chunks are in StructuredLoraTest. */
class SquareLoraTest {
    private static final double S = 2;
    private static final int RANK = 2;

    /** A last chunk that is not full, an odd side, more products than outputs and fewer. */
    @ParameterizedTest(name = "{0} inputs, {1} outputs")
    @CsvSource({"12, 10", "7, 10", "30, 10", "10, 31", "9, 9"})
    void everyChunkIsTurnedByItsPlaceAndMultiplied(int in, int out) {
        int side = Math.min(Math.min(in, out), (int) Math.round(Math.sqrt(RANK * (in + out))));
        var spec = StructuredLoraSpec.of(new SquareLora(Compression.ROTATED)).withRank(RANK, S * RANK);
        try (var check = new FormulaCheck(spec, in, out)) {
            check.changesNothing();
            assertThat(check.parameter("lora_A.weight").shape()).containsExactly(side, side);
            check.randomise().follows((x, dropped, w) -> check.plain(x).add(change(x, w, side, out)));
            check.mergesAsItActs();
        }
    }

    /** {@code s M R_i x_i}, number by number: outputs that get no product of their own repeat the first ones. */
    private static Tensor change(Tensor x, Map<String, Tensor> weights, int side, int out) {
        var m = FormulaCheck.get(weights, "lora_A.weight");
        int in = (int) x.size(1);
        int all = (in + side - 1) / side * side;
        var sum = torch.zeros(new long[] {x.size(0), out}, x.options());
        for (int place = 0; place < Math.max(all, out); place++) {
            int product = place % all;
            int chunk = product / side;
            var turn = turn(chunk, side);
            var value = torch.zeros(new long[] {x.size(0), 1}, x.options());
            for (int q = 0; q < side && chunk * side + q < in; q++) {
                var weight = m.get(0).get(0).mul(new Scalar(0));
                for (int k = 0; k < side; k++) {
                    weight = weight.add(m.get(product % side).get(k).mul(new Scalar(turn[k][q])));
                }
                value = value.add(x.narrow(1, (long) chunk * side + q, 1).mul(weight));
            }
            var unit = torch.zeros(new long[] {1, out}, x.options());
            unit.narrow(1, place % out, 1).fill_(new Scalar(S));
            sum = sum.add(value.mul(unit));
        }
        return sum;
    }

    private static double[][] turn(int place, int side) {
        var turn = new double[side][side];
        int half = side / 2;
        for (int j = 0; j < side; j++) {
            turn[j][j] = 1;
        }
        for (int j = 0; j < half; j++) {
            double angle = place * Math.pow(10_000, -2.0 * j / side);
            turn[j][j] = Math.cos(angle);
            turn[j][j + half] = -Math.sin(angle);
            turn[j + half][j] = Math.sin(angle);
            turn[j + half][j + half] = Math.cos(angle);
        }
        return turn;
    }
}
