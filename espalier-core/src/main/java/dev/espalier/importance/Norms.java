package dev.espalier.importance;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** 2-norms along a dimension, fp32. */
final class Norms {
    private Norms() {}

    /** Of each row; of a vector, one. */
    static Tensor ofRows(Tensor matrix) {
        return along(matrix, matrix.dim() - 1).reshape(-1);
    }

    /** Along {@code dimension}. */
    static Tensor along(Tensor matrix, long dimension) {
        return torch.linalg_vector_norm(
                matrix, new Scalar(2), new long[] {dimension}, false, new ScalarTypeOptional(ScalarType.Float));
    }
}
