package dev.espalier.merge;

import dev.espalier.adapter.WeightDelta;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * {@link Representation#TSV}, in double precision. Null directions ({@code σ ≤ 1e-5 σ_max}) are no one's, so a task of low
 * rank keeps less than its share. Weights scale singular values.
 */
final class TaskSingularVectors {
    private static final double SMALLEST = 1e-5;

    private TaskSingularVectors() {}

    /** The merged change before {@code λ}, as factors of the kept triples' number, fp32, of the caller's scope. */
    static WeightDelta.LowRank merge(List<Part> parts) {
        try (var scope = Scope.open()) {
            var left = new ArrayList<Tensor>();
            var values = new ArrayList<Tensor>();
            var right = new ArrayList<Tensor>();
            for (var part : parts) {
                var triples = SingularTriples.of(part.delta());
                long share = Math.min(triples.left().size(0), triples.right().size(0)) / parts.size();
                var kept = triples.first(Math.min(share, triples.above(SMALLEST)));
                left.add(kept.left());
                values.add(kept.values().mul(new Scalar(part.factor())));
                right.add(kept.right());
            }
            var u = orthogonal(cat(left, 1));
            var v = orthogonal(cat(right, 1));
            var b = u.mul(cat(values, 0)).to(ScalarType.Float);
            var a = v.t().to(ScalarType.Float).contiguous();
            return new WeightDelta.LowRank(scope.keep(b), scope.keep(a), 1);
        }
    }

    private static Tensor cat(List<Tensor> tensors, int axis) {
        return torch.cat(new TensorVector(tensors.toArray(Tensor[]::new)), axis);
    }

    /** The nearest matrix with orthonormal columns: the polar factor. */
    private static Tensor orthogonal(Tensor vectors) {
        var svd = torch.linalg_svd(vectors, false, new StringViewOptional());
        return torch.mm(svd.get0(), svd.get2());
    }
}
