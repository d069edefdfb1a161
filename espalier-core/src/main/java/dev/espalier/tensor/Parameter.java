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
    private boolean trainable;

    /** A parameter called {@code name} (its Hugging Face path) with the values of {@code value}, which is not copied. */
    public Parameter(String name, Tensor value, boolean trainable) {
        this.name = name;
        this.value = value;
        this.trainable = trainable;
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
