package dev.espalier.checkpoint;

import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What is known of a stored tensor before its values are touched.
 *
 * @param dtype libtorch's type of one element
 * @param shape sizes of the dimensions, outermost first; empty for a scalar
 */
public record TensorInfo(ScalarType dtype, List<Long> shape) {
    public TensorInfo {
        shape = List.copyOf(shape);
    }

    /** The number of elements: the product of the shape, 1 for a scalar. */
    public long elements() {
        return shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
    }

    /** The shape as libtorch's functions take it. */
    public long[] sizes() {
        return shape.stream().mapToLong(Long::longValue).toArray();
    }
}
