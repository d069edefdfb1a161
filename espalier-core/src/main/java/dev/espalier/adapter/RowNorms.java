package dev.espalier.adapter;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The 2-norms of a changed weight's rows, fp32, computed for some rows at a time: the sum never exists as a whole. */
final class RowNorms {
    private static final int CHUNK = 256;

    private RowNorms() {}

    /**
     * The norms of {@code matrix} with {@code delta} in it.
     *
     * @param matrix {@code [out, in]}, of any dtype
     * @return {@code [out]}, of the caller's scope
     */
    static Tensor of(Tensor matrix, Mergeable delta) {
        try (var scope = Scope.open()) {
            long count = matrix.size(0);
            var norms = torch.zeros(new long[] {count}, Engine.options(ScalarType.Float));
            for (long from = 0; from < count; from += CHUNK) {
                try (var inner = Scope.open()) {
                    long n = Math.min(CHUNK, count - from);
                    var rows = matrix.narrow(0, from, n).to(ScalarType.Float);
                    norms.narrow(0, from, n).copy_(ofRows(delta.merged(rows, from)));
                }
            }
            return scope.keep(norms);
        }
    }

    /** The norms of {@code rows}. */
    static Tensor ofRows(Tensor rows) {
        return torch.linalg_vector_norm(
                rows, new Scalar(2), new long[] {1}, false, new ScalarTypeOptional(ScalarType.Float));
    }
}
