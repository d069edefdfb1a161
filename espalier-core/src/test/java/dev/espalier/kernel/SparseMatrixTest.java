package dev.espalier.kernel;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.OnEngine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sparse matrices against the same written out entry by entry in plain loops. */
@ExtendWith(OnEngine.class)
class SparseMatrixTest {
    private static final int TOKENS = 7;

    /** A matrix of {@code rows x columns} units of which every third is kept, with random values. */
    private static SparseMatrix matrix(int rows, int columns, int block, int every) {
        int units = rows * columns;
        int[] kept = IntStream.range(0, units).filter(i -> i % every == 0).toArray();
        var indices = torch.tensor(kept).to(ScalarType.Int);
        var values = block == 1 ? random("v", kept.length) : random("v", kept.length, block, block);
        return new SparseMatrix(rows * block, columns * block, block, indices, values);
    }

    private static Tensor random(String name, long... shape) {
        return Initialiser.normal(1, RandomStream.of(4).at(name), shape);
    }

    /** {@code [out][in]}, by a loop over the kept units. */
    private static float[][] dense(SparseMatrix s) {
        var dense = new float[s.out()][s.in()];
        var values = FloatArrays.of(s.values());
        var indices = Fixtures.longs(s.indices());
        int b = s.block();
        for (int unit = 0; unit < indices.length; unit++) {
            int row = (int) indices[unit] / (s.in() / b) * b;
            int column = (int) indices[unit] % (s.in() / b) * b;
            for (int i = 0; i < b; i++) {
                for (int j = 0; j < b; j++) {
                    dense[row + i][column + j] = values[(unit * b + i) * b + j];
                }
            }
        }
        return dense;
    }

    private static Tensor tensor(float[][] rows) {
        var flat = new float[rows.length * rows[0].length];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(rows[i], 0, flat, i * rows[i].length, rows[i].length);
        }
        return FloatArrays.tensor(flat, rows.length, rows[0].length);
    }

    @ParameterizedTest
    @CsvSource({"9, 11, 1, 3", "3, 2, 4, 3", "2, 3, 5, 1", "1, 1, 8, 1", "40, 20, 2, 2", "5, 7, 1, 1000"})
    void isTheDenseMatrixWhereverItActs(int rows, int columns, int block, int every) {
        var s = matrix(rows, columns, block, every);
        var dense = tensor(dense(s));
        var base = random("base", s.out(), s.in());

        var sum = base.clone();
        s.addTo(sum);
        assertClose("sum", sum, base.add(dense), 0, 1e-6);

        var zeros = torch.zeros_like(base);
        s.putInto(zeros);
        assertThat(FloatArrays.of(zeros)).isEqualTo(FloatArrays.of(dense));
        assertThat(FloatArrays.of(s.entriesOf(dense))).isEqualTo(FloatArrays.of(s.values()));

        var x = random("x", TOKENS, s.in());
        var few = random("y", TOKENS, s.out());
        var wanted = few.add(torch.mm(x, dense.t()));
        s.addProductOfFew(few, x);
        assertClose("few tokens", few, wanted, 1e-5, 1e-5);
    }

    /** More blocks than are multiplied at a time among them. */
    @ParameterizedTest
    @CsvSource({"3, 2, 4, 3", "2, 3, 5, 1", "1, 1, 8, 1", "40, 20, 2, 2"})
    void blocksAreMultipliedAsTheDenseMatrixIs(int rows, int columns, int block, int every) {
        var s = matrix(rows, columns, block, every);
        var dense = tensor(dense(s));
        var x = random("x", TOKENS, s.in());
        var dY = random("dY", TOKENS, s.out());

        var y = random("y", TOKENS, s.out());
        var wanted = y.add(torch.mm(x, dense.t()));
        s.addProduct(y, x);
        assertClose("product", y, wanted, 1e-5, 1e-5);

        var dX = random("dX", TOKENS, s.in());
        var wantedX = dX.add(torch.mm(dY, dense));
        s.addTransposedProduct(dX, dY);
        assertClose("transposed product", dX, wantedX, 1e-5, 1e-5);

        var all = torch.mm(dY.t(), x);
        assertClose("gradient", s.gradient(dY, x), s.entriesOf(all), 1e-5, 1e-5);
        assertClose("gradient by blocks", s.gradientByBlocks(dY, x), s.entriesOf(all), 1e-5, 1e-5);
    }

    @Test
    void entriesAndBlocksOfSideOneAreTheSame() {
        var s = matrix(6, 8, 1, 2);
        var x = random("x", TOKENS, s.in());
        var dY = random("dY", TOKENS, s.out());
        long kept = s.indices().numel();
        var asBlocks =
                new SparseMatrix(s.out(), s.in(), 1, s.indices(), s.values().view(kept, 1, 1));
        assertClose(
                "gradient", asBlocks.gradientByBlocks(dY, x).view(kept), s.entriesOf(torch.mm(dY.t(), x)), 1e-5, 1e-5);
    }

    @Test
    void withoutAnyEntryNothingHappens() {
        for (int block : new int[] {1, 4}) {
            var none = block == 1 ? torch.zeros(0) : torch.zeros(0, block, block);
            var s = new SparseMatrix(8, 12, block, torch.zeros(0).to(ScalarType.Int), none);
            var base = random("base", 8, 12);
            var before = FloatArrays.of(base);
            s.addTo(base);
            assertThat(FloatArrays.of(base)).isEqualTo(before);
            assertThat(s.entriesOf(base).shape()).isEqualTo(none.shape());
            if (block > 1) {
                assertThat(s.gradient(random("dY", 3, 8), random("x", 3, 12)).shape())
                        .isEqualTo(none.shape());
            }
        }
    }

    @Test
    void countsUnits() {
        assertThat(Arrays.asList(SparseMatrix.units(8, 12, 1), SparseMatrix.units(8, 12, 4)))
                .containsExactly(96L, 6L);
    }
}
