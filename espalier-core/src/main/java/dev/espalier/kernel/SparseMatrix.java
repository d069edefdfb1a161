package dev.espalier.kernel;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gemm;
import dev.espalier.tensor.Scope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A matrix {@code S [out, in]} of which few entries, or few square blocks, are anything but zero, and the products of one
 * pass with it. Of single entries a product as a dense matrix is the fastest on CPUs at the shares that adapters keep:
 * the entries are put where they belong and one large product is taken. Blocks are multiplied in batches of small
 * products where they are few and large enough; {@code espalier bench sparse-kernels} measures both.
 *
 * @param block the side of a block; 1 for single entries
 * @param indices int32 {@code [n]}: an entry's {@code row * in + column}, or the same of blocks counted in blocks
 * @param values {@code [n]}, or {@code [n, block, block]}
 */
public record SparseMatrix(int out, int in, int block, Tensor indices, Tensor values) {
    /** Blocks that are multiplied at a time: what they need of input and output is copied for it. */
    private static final int CHUNK = 256;

    /** A block of this side is worth its own products up to a share of 1 of all blocks, smaller ones to less. */
    private static final int WHOLE_BLOCK = 160;

    /** How many units of that size the whole matrix has. */
    public static long units(long out, long in, int block) {
        return out / block * (in / block);
    }

    /**
     * The matrix as rows of as many neighbouring entries as a block is wide; {@link #runs} are those of them that the blocks
     * are made of.
     */
    private Tensor inRuns(Tensor matrix) {
        return block == 1 ? matrix.view(-1) : matrix.view(-1, block);
    }

    /** Places of the blocks' rows among the runs of the matrix, {@code [n * block]}, int32. */
    private Tensor runs() {
        if (block == 1) {
            return indices;
        }
        var rowsBelow = torch.arange(new Scalar(block), Engine.options(ScalarType.Int));
        var first = rows().mul_(new Scalar(block * (in / block))).add_(columns());
        return first.unsqueeze(1).add(rowsBelow.mul_(new Scalar(in / block))).view(-1);
    }

    /** Of each unit, in units. */
    private Tensor rows() {
        return torch.floor_divide(indices, new Scalar(in / block));
    }

    private Tensor columns() {
        return torch.remainder(indices, new Scalar(in / block));
    }

    /** Adds {@code S} to {@code matrix}, {@code [out, in]}, contiguous; of another dtype than the values, sums are rounded once. */
    public void addTo(Tensor matrix) {
        try (var scope = Scope.open()) {
            var dtype = Engine.dtype(matrix);
            if (block == 1 && dtype == Engine.dtype(values)) {
                matrix.view(-1).index_add_(0, indices, values);
                return;
            }
            var all = inRuns(matrix);
            var runs = runs();
            var sums = all.index_select(0, runs).to(Engine.dtype(values));
            sums.add_(inRuns(values));
            all.index_copy_(0, runs.to(ScalarType.Long), sums.to(dtype));
        }
    }

    /** The entries of {@code matrix}, {@code [out, in]}, at the places of {@code S}, in the shape of its values. */
    public Tensor entriesOf(Tensor matrix) {
        try (var scope = Scope.open()) {
            return scope.keep(inRuns(matrix).index_select(0, runs()).view(values.shape()));
        }
    }

    /** Sets the entries of {@code matrix}, {@code [out, in]}, at the places of {@code S} to its values. */
    public void putInto(Tensor matrix) {
        try (var scope = Scope.open()) {
            inRuns(matrix).index_copy_(0, runs().to(ScalarType.Long), inRuns(values));
        }
    }

    /** Adds {@code x Sᵀ} to {@code y} by blocks: {@code [tokens, in]} to {@code [tokens, out]}. */
    public void addProduct(Tensor y, Tensor x) {
        addBlocks(y, x, rows(), columns(), true);
    }

    /** Adds {@code dY S} to {@code dX} by blocks. */
    public void addTransposedProduct(Tensor dX, Tensor dY) {
        addBlocks(dX, dY, columns(), rows(), false);
    }

    /** Each block takes the slab {@code from} of {@code source} and adds to the slab {@code to} of {@code sum}. */
    private void addBlocks(Tensor sum, Tensor source, Tensor to, Tensor from, boolean transposed) {
        try (var scope = Scope.open()) {
            var slabs = slabs(source);
            long tokens = source.size(0);
            var sums = torch.zeros(new long[] {sum.size(1) / block, tokens, block}, sum.options());
            for (long first = 0; first < indices.numel(); first += CHUNK) {
                try (var inner = Scope.open()) {
                    long count = Math.min(CHUNK, indices.numel() - first);
                    var part = values.narrow(0, first, count).to(Engine.dtype(source));
                    var product = torch.bmm(
                            slabs.index_select(0, from.narrow(0, first, count)),
                            transposed ? part.transpose(1, 2) : part);
                    sums.index_add_(0, to.narrow(0, first, count), product);
                }
            }
            sum.view(tokens, -1, block).add_(sums.transpose(0, 1));
        }
    }

    /** {@code [tokens, features]} as {@code [features / block, tokens, block]}. */
    private Tensor slabs(Tensor x) {
        return x.reshape(x.size(0), -1, block).transpose(0, 1).contiguous();
    }

    /**
     * The gradient of the values, in the way that was faster.
     *
     * @param dY {@code [tokens, out]}
     * @param x {@code [tokens, in]}
     * @return in the shape of the values, in the caller's scope
     */
    public Tensor gradient(Tensor dY, Tensor x) {
        if (block > 1 && indices.numel() * WHOLE_BLOCK <= block * units(out, in, block)) {
            return gradientByBlocks(dY, x);
        }
        try (var scope = Scope.open()) {
            return scope.keep(entriesOf(Gemm.product(dY.t(), x)));
        }
    }

    /**
     * The gradient of the values of blocks by batches of small products: of each, the product of the output's gradient and the input at its place.
     *
     * @param dY {@code [tokens, out]}
     * @param x {@code [tokens, in]}
     * @return {@code [n, block, block]}, in the caller's scope
     */
    public Tensor gradientByBlocks(Tensor dY, Tensor x) {
        try (var scope = Scope.open()) {
            var gradient = torch.empty(values.shape(), dY.options(), null);
            var outputs = slabs(dY);
            var inputs = slabs(x);
            var rows = rows();
            var columns = columns();
            for (long first = 0; first < indices.numel(); first += CHUNK) {
                try (var inner = Scope.open()) {
                    long count = Math.min(CHUNK, indices.numel() - first);
                    torch.bmm_out(
                            gradient.narrow(0, first, count),
                            outputs.index_select(0, rows.narrow(0, first, count))
                                    .transpose(1, 2),
                            inputs.index_select(0, columns.narrow(0, first, count)));
                }
            }
            return scope.keep(gradient);
        }
    }

    /**
     * Adds {@code x Sᵀ} to {@code y} token by token, for few tokens: no matrix of {@code S}'s size is made.
     *
     * @param y {@code [tokens, out]}
     * @param x {@code [tokens, in]}
     */
    public void addProductOfFew(Tensor y, Tensor x) {
        try (var scope = Scope.open()) {
            var inRun = torch.arange(new Scalar(block), Engine.options(ScalarType.Int));
            var places = runs().mul(new Scalar(block)).unsqueeze(1).add(inRun).view(-1);
            var rows = torch.floor_divide(places, new Scalar(in));
            var columns = torch.remainder(places, new Scalar(in));
            var factors = values.view(-1).to(Engine.dtype(y));
            for (long token = 0; token < x.size(0); token++) {
                try (var inner = Scope.open()) {
                    var terms = x.select(0, token).index_select(0, columns).mul(factors);
                    y.select(0, token).index_add_(0, rows, terms);
                }
            }
        }
    }
}
