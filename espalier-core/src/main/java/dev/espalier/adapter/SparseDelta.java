package dev.espalier.adapter;

import dev.espalier.kernel.SparseMatrix;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gemm;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A sparse change of one linear's weight, {@code y = x (W + S)ᵀ + b}: of {@code S} only the places and values of the kept
 * entries, or blocks of them, are held, and only the values train. The change is put into a copy of the weight that lasts
 * for one product. In bf16 the sum is rounded there, as in training of whole weights in mixed precision (Micikevicius et
 * al., arXiv 1710.03740): the values themselves are fp32, so that small steps add up.
 *
 * <p>While entries are still being chosen a whole matrix may act in place of the kept entries, in
 * training passes only.
 */
public final class SparseDelta implements LinearDelta, Mergeable {
    /** Up to so many tokens in a pass, as in generation, a product entry by entry takes less than a copy of the weight. */
    private static final int FEW = 4;

    private final Linear linear;
    private final int out;
    private final int in;
    private final int block;
    private final Parameter indices;
    private final Parameter values;
    private @Nullable Parameter whole;
    private boolean actsWhole;

    /**
     * @param linear that it was made for
     * @param block the side of a block; 1 for single entries
     * @param indices int32 {@code [n]}, see {@link SparseMatrix}
     * @param values {@code [n]}, or {@code [n, block, block]}
     */
    SparseDelta(Linear linear, int block, Parameter indices, Parameter values) {
        this.linear = linear;
        this.out = linear.outFeatures();
        this.in = linear.inFeatures();
        this.block = block;
        this.indices = indices;
        this.values = values;
    }

    /** The linear that it was made for. */
    Linear linear() {
        return linear;
    }

    /** The places of the kept units, int32 {@code [n]}. */
    public Parameter indices() {
        return indices;
    }

    /** The kept entries, {@code [n]}, or {@code [n, block, block]}. */
    public Parameter values() {
        return values;
    }

    /** The side of a block; 1 for single entries. */
    public int block() {
        return block;
    }

    /** How many entries are kept. */
    public long kept() {
        return values.size();
    }

    /** How many entries the weight has. */
    public long size() {
        return (long) out * in;
    }

    /** The kept entries as they are now. */
    SparseMatrix sparse() {
        return new SparseMatrix(out, in, block, indices.value(), values.value());
    }

    /** The change of the whole weight from which entries are chosen, {@code [out, in]}, while there is one. */
    Optional<Parameter> whole() {
        return Optional.ofNullable(present());
    }

    /** What a resumed run had given up by then is there, but empty. */
    private @Nullable Parameter present() {
        return whole == null || whole.size() == 0 ? null : whole;
    }

    void whole(@Nullable Parameter matrix) {
        whole = matrix;
    }

    /** Lets the whole matrix act in training passes; where there is none, nothing does. */
    void actsWhole(boolean on) {
        actsWhole = on;
    }

    private boolean actsWhole(ForwardContext context) {
        return actsWhole && context.isTraining();
    }

    @Override
    public boolean tokenwise() {
        return true;
    }

    @Override
    public @Nullable WeightChange weightChange(Linear linear, Variable x, ForwardContext context) {
        if (isBrief(x, context)) {
            return null;
        }
        return new WeightChange() {
            @Override
            public Tensor of(Tensor weight) {
                var changed = scratch("changed weight", weight, context);
                changed.copy_(weight);
                addTo(changed, context);
                return changed;
            }

            @Override
            public @Nullable Backward backward() {
                if (!keepsInput(context)) {
                    return null;
                }
                context.tape().save(x.value());
                return dY -> {
                    deliver(x, dY, context);
                    return dY;
                };
            }
        };
    }

    @Override
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        var tape = context.tape();
        if (isBrief(x, context)) {
            sparse().addProductOfFew(y, x.value());
            return null;
        }
        boolean blocks = block > 1 && !actsWhole(context);
        if (blocks) {
            sparse().addProduct(y, x.value());
        } else {
            y.addmm_(x.value(), matrix(y, context).t());
        }
        if (!tape.isRecording() || !(x.requiresGrad() || keepsInput(context))) {
            return null;
        }
        if (keepsInput(context)) {
            tape.save(x.value());
        }
        return dY -> {
            deliver(x, dY, context);
            if (x.requiresGrad() && blocks) {
                var dX = torch.zeros(new long[] {dY.size(0), in}, dY.options());
                sparse().addTransposedProduct(dX, dY);
                x.accumulate(dX);
            } else if (x.requiresGrad()) {
                x.accumulateProduct(dY, matrix(dY, context));
            }
            return dY;
        };
    }

    private static boolean isBrief(Variable x, ForwardContext context) {
        return !context.tape().isRecording() && x.value().size(0) <= FEW;
    }

    private boolean keepsInput(ForwardContext context) {
        var tape = context.tape();
        return actsWhole(context) ? tape.trains(present()) : tape.trains(values);
    }

    /** {@code S} as a dense matrix in the dtype of {@code like}. */
    private Tensor matrix(Tensor like, ForwardContext context) {
        var matrix = scratch("sparse matrix", like, context);
        matrix.zero_();
        addTo(matrix, context);
        return matrix;
    }

    private void addTo(Tensor matrix, ForwardContext context) {
        if (!actsWhole(context)) {
            sparse().addTo(matrix);
        } else {
            whole().ifPresent(change -> matrix.add_(change.value()));
        }
    }

    /** A matrix of the weight's shape that all deltas of a pass write over, one after another. */
    private Tensor scratch(String use, Tensor like, ForwardContext context) {
        var dtype = Engine.dtype(like);
        return context.shared(
                List.of(use, out, in, dtype), () -> torch.empty(new long[] {out, in}, Engine.options(dtype), null));
    }

    private void deliver(Variable x, Tensor dY, ForwardContext context) {
        var tape = context.tape();
        var change = present();
        if (change != null && tape.trains(change)) {
            var gradient = Gemm.product(dY.t(), x.value());
            if (actsWhole(context)) {
                tape.deliver(change, gradient);
            } else {
                deliverMasked(change, gradient, tape);
            }
        } else if (!actsWhole(context) && tape.trains(values)) {
            tape.deliver(values, sparse().gradient(dY, x.value()));
        }
    }

    /** What the loss knows of the whole matrix through its kept entries: nothing of the others. */
    private void deliverMasked(Parameter matrix, Tensor gradient, Tape tape) {
        try (var scope = Scope.open()) {
            var kept = sparse().entriesOf(gradient).to(ScalarType.Float);
            var masked = torch.zeros(matrix.shape(), Engine.options(ScalarType.Float));
            new SparseMatrix(out, in, block, indices.value(), kept).addTo(masked);
            tape.deliver(matrix, masked);
        }
    }

    @Override
    public Tensor merged(Tensor rows, long first) {
        try (var scope = Scope.open()) {
            var matrix = torch.zeros(new long[] {out, in}, rows.options());
            sparse().addTo(matrix);
            return scope.keep(rows.add(matrix.narrow(0, first, rows.size(0))));
        }
    }
}
