package dev.espalier.merge;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Combines the matrices of several adapters one after another, without keeping any of them: what is positive and what is
 * negative is taken apart, for what the consensus is shows at the end. It holds five matrices at most, which are of the
 * scope it is made in.
 */
final class Accumulator {
    /** Numbers of a block of rows. */
    private static final long BLOCK = 1 << 17;

    private final Scalar zero = new Scalar(0.0);
    private final Scalar one = new Scalar(1.0);
    private final MergeMethod method;
    private final boolean weighedFirst;
    /** Where there is no consensus, what is positive and negative together. */
    private final Side positive;

    private final Side negative;
    private final Tensor votes;
    private double weights;

    /** Sums, and how many were summed. */
    private record Side(Tensor values, Tensor count) {}

    /** @param method with any combination but {@link Combination#SLERP} */
    Accumulator(long[] shape, MergeMethod method) {
        this.method = method;
        weighedFirst = method.weighting() == Weighting.FIRST;
        boolean counts = method.combination() == Combination.OVERLAP_MEAN;
        boolean votesApart = elects() && !(weighedFirst && votesAreSums());
        positive = new Side(zeros(true, shape), zeros(counts, shape));
        negative = new Side(zeros(elects(), shape), zeros(counts && elects(), shape));
        votes = zeros(votesApart, shape);
    }

    private boolean elects() {
        return method.consensus() != Consensus.NONE;
    }

    private boolean votesAreSums() {
        return method.consensus() == Consensus.SIGN_OF_SUM && method.combination() != Combination.MAX;
    }

    private static Tensor zeros(boolean needed, long[] shape) {
        return torch.zeros(needed ? shape : new long[] {0}, Engine.options(ScalarType.Float));
    }

    /**
     * Adds the matrix of one adapter, some rows at a time, so that what is made of them stays in the processor's caches.
     *
     * @param delta fp32, not changed
     */
    void add(Tensor delta, double weight) {
        weights += Math.abs(weight);
        long rows = delta.dim() == 0 ? 1 : delta.size(0);
        long each = Math.max(1, BLOCK * rows / Math.max(1, delta.numel()));
        for (long first = 0; first < rows; first += each) {
            try (var scope = Scope.open()) {
                var block = new Rows(first, Math.min(each, rows - first));
                add(block, block.of(delta), weight);
            }
        }
    }

    /** Some rows of every matrix. */
    private record Rows(long first, long count) {
        Tensor of(Tensor matrix) {
            return matrix.dim() == 0 ? matrix : matrix.narrow(0, first, count);
        }

        Side of(Side side) {
            return new Side(of(side.values), side.count.numel() == 0 ? side.count : of(side.count));
        }
    }

    private void add(Rows block, Tensor delta, double weight) {
        // What the sign is taken of, and the factor that is still to come.
        var signed = weighedFirst && weight != 1 ? delta.mul(new Scalar(weight)) : delta;
        var factor = weighedFirst ? one : new Scalar(weight);
        var count = weighedFirst ? new Scalar(Math.abs(weight)) : one;
        if (votes.numel() > 0) {
            block.of(votes).add_(method.consensus() == Consensus.SIGN_OF_COUNT ? signed.sign() : signed);
        }
        if (elects()) {
            combine(block.of(positive), torch.clamp_min(signed, zero), factor, count);
            combine(block.of(negative), torch.clamp_max(signed, zero), factor, count);
        } else {
            combine(block.of(positive), signed, factor, count);
        }
    }

    /** Counts an adapter that has nothing there: in a mean over all it has its share. */
    void addZeros(double weight) {
        weights += Math.abs(weight);
    }

    private void combine(Side side, Tensor values, Scalar factor, Scalar count) {
        if (method.combination() == Combination.MAX) {
            var scaled = values.mul(factor);
            var larger = scaled.abs().gt(side.values.abs());
            side.values.copy_(torch.where(larger, scaled, side.values));
            return;
        }
        side.values.add_(values, factor);
        if (side.count.numel() > 0) {
            side.count.add_(values.ne(zero), count);
        }
    }

    /** The combined matrix, before {@code λ}: one of the accumulator's own, which is of no more use after it. */
    Tensor result() {
        try (var scope = Scope.open()) {
            if (elects()) {
                var elected = elected();
                choose(elected, positive.values, negative.values);
                if (positive.count.numel() > 0) {
                    choose(elected, positive.count, negative.count);
                }
            }
            var values = positive.values;
            if (method.combination() == Combination.MEAN) {
                values.div_(new Scalar(weights == 0 ? 1 : weights));
            } else if (method.combination() == Combination.OVERLAP_MEAN) {
                positive.count.masked_fill_(positive.count.eq(zero), one);
                values.div_(positive.count);
            }
            return values;
        }
    }

    private Tensor elected() {
        try (var scope = Scope.open()) {
            var sum = votes.numel() > 0 ? votes : positive.values.add(negative.values);
            return scope.keep(sum.ge(zero));
        }
    }

    /** Keeps what is positive where that is elected, and takes what is negative elsewhere. */
    private void choose(Tensor elected, Tensor positives, Tensor negatives) {
        positives.mul_(elected);
        negatives.masked_fill_(elected, zero);
        positives.add_(negatives);
    }
}
