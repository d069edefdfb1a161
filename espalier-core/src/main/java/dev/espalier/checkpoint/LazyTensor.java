package dev.espalier.checkpoint;

import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;

/**
 * A tensor that is computed when it is written, so that one at a time exists.
 *
 * @param info what {@code values} will give
 * @param values called once, inside a scope that closes when the tensor is written
 */
public record LazyTensor(TensorInfo info, Supplier<Tensor> values) {}
