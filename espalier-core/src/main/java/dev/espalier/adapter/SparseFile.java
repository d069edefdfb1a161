package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * How the kept units of one matrix lie in an adapter's file: places {@code [2, n]} int32, the rows before the columns,
 * counted in blocks where blocks are kept; values {@code [n]}, of blocks {@code [n, block, block]}. PEFT wants as many
 * entries of every matrix as its rank says: what is missing is filled up with zeros at places that nothing else has.
 *
 * @param module the matrix's path
 * @param count units that are kept at first
 * @param stored units that the file has at first, {@code count} or more
 */
record SparseFile(String module, long out, long in, int block, int count, int stored) {
    DeltaWeights.Form indices(DeltaWeights.Initial initial) {
        return new DeltaWeights.Form(StoredLayout.same(2, stored), ScalarType.Int, this::read, this::write, initial);
    }

    DeltaWeights.Form values(DeltaWeights.Initial initial) {
        var layout = block > 1 ? StoredLayout.same(stored, block, block) : StoredLayout.same(stored);
        return new DeltaWeights.Form(
                layout, ScalarType.Float, values -> values.narrow(0, 0, count), this::filledUp, initial);
    }

    private long columns() {
        return in / block;
    }

    private Tensor read(Tensor places) {
        var rows = places.select(0, 0).narrow(0, 0, count);
        var columns = places.select(0, 1).narrow(0, 0, count);
        requireBelow(rows, "row", out / block);
        requireBelow(columns, "column", columns());
        return rows.mul(new Scalar((int) columns())).add(columns);
    }

    private void requireBelow(Tensor places, String axis, long limit) {
        if (places.numel() == 0) {
            return;
        }
        long least = places.min().item_long();
        long most = places.max().item_long();
        if (least < 0 || most >= limit) {
            throw new InputException("The adapter changes " + axis + " " + (least < 0 ? least : most) + " of " + module
                    + ", which has the " + axis + "s 0 to " + (limit - 1)
                    + (block > 1 ? " in blocks of " + block : "") + "; use the base model it was trained on.");
        }
    }

    private Tensor write(Tensor indices) {
        var all = stored == count
                ? indices
                : torch.cat(new TensorVector(indices, unused(indices).narrow(0, 0, stored - count)), 0);
        var divisor = new Scalar((int) columns());
        return torch.stack(new TensorVector(torch.floor_divide(all, divisor), torch.remainder(all, divisor)), 0);
    }

    /** Places of entries that are not kept, in order. */
    private Tensor unused(Tensor indices) {
        var free = torch.ones(new long[] {out * in}, Engine.options(ScalarType.Bool));
        free.index_fill_(0, indices.to(ScalarType.Long), new Scalar(0));
        return free.nonzero().view(-1).to(ScalarType.Int);
    }

    private Tensor filledUp(Tensor values) {
        return stored == count
                ? values
                : torch.cat(new TensorVector(values, torch.zeros(new long[] {stored - count}, values.options())), 0);
    }
}
