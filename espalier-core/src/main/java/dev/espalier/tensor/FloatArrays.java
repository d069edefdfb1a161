package dev.espalier.tensor;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Small tensors as Java arrays and back, row-major, fp32. */
public final class FloatArrays {
    private FloatArrays() {}

    /** A copy of the values, whatever the tensor's dtype. */
    public static float[] of(Tensor tensor) {
        var single = tensor.to(ScalarType.Float).contiguous();
        var values = new float[Math.toIntExact(single.numel())];
        new FloatPointer(single.data_ptr()).get(values);
        return values;
    }

    /** A new tensor with a copy of {@code values}. */
    public static Tensor tensor(float[] values, long... shape) {
        var tensor = torch.empty(shape, Engine.options(ScalarType.Float), null);
        new FloatPointer(tensor.data_ptr()).put(values);
        return tensor;
    }
}
