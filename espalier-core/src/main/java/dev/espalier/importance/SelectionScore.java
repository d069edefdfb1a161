package dev.espalier.importance;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What decides which entries of a weight matrix a sparse adapter keeps: the largest scores win. {@code W} is the frozen
 * weight, {@code Ŵ} the trained change, {@code g} the gradient with respect to both.
 */
public enum SelectionScore {
    /** {@code |Ŵ·g|}: connection sensitivity to a mask on {@code Ŵ}, its absolute value (SNIP, arXiv 1810.02340). */
    SENSITIVITY(true, true) {
        @Override
        Tensor score(Entries entries) {
            return ElementScore.PRODUCT.of(entries.delta, entries.gradient());
        }
    },
    /** {@code Ŵ·g}: the same with its sign, as the code of arXiv 2507.07140 has it. */
    SIGNED_SENSITIVITY(true, true) {
        @Override
        Tensor score(Entries entries) {
            return entries.delta.mul(entries.gradient());
        }
    },
    /** {@code |(W + Ŵ)·g|}. */
    WEIGHT_SENSITIVITY(true, false) {
        @Override
        Tensor score(Entries entries) {
            return ElementScore.PRODUCT.of(entries.sum(), entries.gradient());
        }
    },
    /** {@code |g|}. */
    GRADIENT(true, false) {
        @Override
        Tensor score(Entries entries) {
            return ElementScore.GRADIENT.of(entries.delta, entries.gradient());
        }
    },
    /** {@code |W + Ŵ|}. */
    WEIGHT(false, false) {
        @Override
        Tensor score(Entries entries) {
            return entries.sum().abs_();
        }
    },
    /** {@code |Ŵ|}. */
    MAGNITUDE(false, true) {
        @Override
        Tensor score(Entries entries) {
            return entries.delta.abs();
        }
    },
    /** Drawn: every entry is as likely as any other. */
    RANDOM(false, false) {
        @Override
        Tensor score(Entries entries) {
            return Initialiser.normal(1, entries.random, entries.delta.shape());
        }
    },
    /**
     * The diagonal, then whole columns at even distances (SHiRA-Struct, arXiv 2406.13175). Which columns is an assumption:
     * the paper says "certain rows or columns"; and what is left over takes a part of the next one.
     */
    STRUCTURE(false, false) {
        @Override
        Tensor score(Entries entries) {
            return structure(entries.delta.size(0), entries.delta.size(1));
        }
    };

    private final boolean needsGradient;
    private final boolean needsTraining;

    SelectionScore(boolean needsGradient, boolean needsTraining) {
        this.needsGradient = needsGradient;
        this.needsTraining = needsTraining;
    }

    /**
     * A matrix at the time of a selection, all {@code [out, in]}.
     *
     * @param weight {@code W}, of any floating dtype
     * @param delta {@code Ŵ}, fp32
     * @param given {@code g}, where the score needs it
     * @param random what is drawn comes from here
     */
    public record Entries(Tensor weight, Tensor delta, Optional<Tensor> given, RandomStream random) {
        Tensor gradient() {
            return given.orElseThrow(() -> new IllegalArgumentException("the score needs a gradient"));
        }

        Tensor sum() {
            return weight.to(ScalarType.Float).add(delta);
        }
    }

    /** Whether a backward pass must come before. */
    public boolean needsGradient() {
        return needsGradient;
    }

    /** Whether all scores are 0 before {@code Ŵ} has been trained. */
    public boolean needsTraining() {
        return needsTraining;
    }

    /** The scores of all entries, fp32, {@code [out, in]}; in the caller's scope. */
    public Tensor of(Entries entries) {
        try (var scope = Scope.open()) {
            return scope.keep(new Tensor(score(entries)));
        }
    }

    abstract Tensor score(Entries entries);

    private static Tensor structure(long out, long in) {
        var scores = torch.zeros(new long[] {out, in}, Engine.options(ScalarType.Float));
        // Columns in the order in which each next one lies as far as can be from those before: bits of the place
        // reversed.
        int bits = Math.max(1, 64 - Long.numberOfLeadingZeros(in - 1));
        for (long place = 0, rank = 0; place < 1L << bits; place++) {
            long column = Long.reverse(place) >>> (64 - bits);
            if (column < in) {
                scores.narrow(1, column, 1).fill_(new Scalar((double) (in - rank++)));
            }
        }
        scores.fill_diagonal_(new Scalar((double) (in + 1)));
        return scores;
    }
}
