package dev.espalier.tensor;

import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/**
 * A named weight. Frozen ones are views of a mapped checkpoint; trainable ones are fp32 and belong to the head or
 * adapter that made them. Gradients are never stored here: {@link Gradients} collects them.
 */
public final class Parameter {
    private final String name;
    private final Tensor value;
    private final boolean resizable;
    private boolean trainable;

    /** A parameter called {@code name} (its Hugging Face path) with the values of {@code value}, which is not copied. */
    public Parameter(String name, Tensor value, boolean trainable) {
        this(name, value, trainable, false);
    }

    private Parameter(String name, Tensor value, boolean trainable, boolean resizable) {
        this.name = name;
        this.value = value;
        this.trainable = trainable;
        this.resizable = resizable;
    }

    /** The same for one whose shape may change while it trains, see {@link #resize}. */
    public static Parameter resizable(String name, Tensor value, boolean trainable) {
        return new Parameter(name, value, trainable, true);
    }

    public String name() {
        return name;
    }

    public Tensor value() {
        return value;
    }

    public boolean trainable() {
        return trainable;
    }

    /** Whether backward computes this parameter's gradient from now on. */
    public void trainable(boolean trainable) {
        this.trainable = trainable;
    }

    /** Whether {@link #resize} may be called. */
    public boolean resizable() {
        return resizable;
    }

    /**
     * Takes over a copy of {@code values}, which may have another shape, in place: whoever holds {@link #value()} sees it.
     * Between steps only; what others keep in this parameter's shape they make anew when they are used next.
     *
     * @throws IllegalStateException if this parameter keeps its shape
     */
    public void resize(Tensor values) {
        if (!resizable) {
            throw new IllegalStateException(name + " keeps its shape");
        }
        try (var scope = Scope.open()) {
            value.set_(values.to(Engine.dtype(value)).contiguous().clone());
        }
    }

    public long[] shape() {
        return value.shape();
    }

    public long size() {
        return value.numel();
    }

    @Override
    public String toString() {
        return name + Arrays.toString(shape());
    }
}
