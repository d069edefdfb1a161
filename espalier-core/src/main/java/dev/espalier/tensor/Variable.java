package dev.espalier.tensor;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** A value on the {@link Tape} and, during backward, the gradient of the loss with respect to it. */
public final class Variable {
    private final Tensor value;
    private final boolean requiresGrad;
    private @Nullable Tensor gradient;

    Variable(Tensor value, boolean requiresGrad) {
        this.value = value;
        this.requiresGrad = requiresGrad;
    }

    /** The value; it lives as long as the scope it was kept in, longer if an operation saved it on the tape. */
    public Tensor value() {
        return value;
    }

    /** Whether something trainable lies below, so that backward must reach this value. */
    public boolean requiresGrad() {
        return requiresGrad;
    }

    /**
     * Adds {@code g} to this value's gradient. The first one given becomes the buffer that later ones are added to in
     * place, so the caller must not use it for another sum afterwards.
     */
    public void accumulate(Tensor g) {
        if (!requiresGrad) {
            return;
        }
        if (gradient == null) {
            Scope.requireOwning(g);
            g.retainReference();
            gradient = g;
        } else {
            gradient.add_(g);
        }
    }

    /**
     * Adds {@code g} to the gradient of some columns.
     *
     * @param from the first of the columns
     * @param columns of the value
     * @param g {@code [rows, n]}
     */
    public void accumulateColumns(long from, long columns, Tensor g) {
        if (!requiresGrad) {
            return;
        }
        if (gradient == null) {
            gradient = torch.zeros(new long[] {g.size(0), columns}, g.options());
            gradient.retainReference();
        }
        gradient.narrow(1, from, g.size(1)).add_(g);
    }

    /** Adds the matrix product {@code a b} to this value's gradient. */
    public void accumulateProduct(Tensor a, Tensor b) {
        if (!requiresGrad) {
            return;
        }
        if (gradient == null) {
            accumulate(Gemm.product(a, b));
        } else {
            Gemm.addProduct(gradient, a, b);
        }
    }

    /** The gradient so far; null where none arrived. */
    public @Nullable Tensor gradient() {
        return gradient;
    }

    void release() {
        if (gradient != null) {
            gradient.releaseReference();
            gradient = null;
        }
    }
}
