package dev.espalier.merge;

import dev.espalier.tensor.Scope;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * {@link Combination#SLERP} (Shoemake, SIGGRAPH 1985) of whole weights: {@code sin((1-t)ω)/sin ω · a + sin(tω)/sin ω · b}
 * with the angle {@code ω} between {@code a} and {@code b}. More than two adapters are taken in one after another, each at
 * the {@code t} that its weight has among those so far, so their order matters.
 */
final class Slerp {
    private static final double PARALLEL = 0.9995;

    private Slerp() {}

    /** The merged change before {@code λ}, fp32, of the caller's scope. */
    static Tensor merge(List<Part> parts, MergeMethod method) {
        try (var scope = Scope.open()) {
            var merged = parts.get(0).trimmed();
            double weights = Math.abs(parts.get(0).factor());
            for (int i = 1; i < parts.size(); i++) {
                double weight = Math.abs(parts.get(i).factor());
                double t = weights + weight == 0 ? 0 : position(method, weights, weight);
                merged = between(merged, parts.get(i).trimmed(), t);
                weights += weight;
            }
            return scope.keep(new Tensor(merged));
        }
    }

    /** Two adapters of equal weights meet where the method says; else the weights say it. */
    private static double position(MergeMethod method, double weights, double weight) {
        return weights == weight ? method.position() : weight / (weights + weight);
    }

    static Tensor between(Tensor a, Tensor b, double t) {
        double norms = Math.sqrt(dot(a, a) * dot(b, b));
        double cosine = norms == 0 ? 1 : Math.max(-1, Math.min(1, dot(a, b) / norms));
        double first = 1 - t;
        double second = t;
        if (Math.abs(cosine) <= PARALLEL) {
            double angle = Math.acos(cosine);
            first = Math.sin((1 - t) * angle) / Math.sin(angle);
            second = Math.sin(t * angle) / Math.sin(angle);
        }
        var sum = a.mul(new Scalar(first));
        sum.add_(b, new Scalar(second));
        return sum;
    }

    /** In double precision, for the angle between nearly parallel weights is small. */
    private static double dot(Tensor a, Tensor b) {
        try (var scope = Scope.open()) {
            return a.mul(b)
                    .sum(new org.bytedeco.pytorch.ScalarTypeOptional(
                            org.bytedeco.pytorch.global.torch.ScalarType.Double))
                    .item_double();
        }
    }
}
