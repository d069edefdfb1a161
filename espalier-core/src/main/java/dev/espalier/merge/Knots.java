package dev.espalier.merge;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * {@link Representation#KNOTS}. {@code U} and {@code S} are those of the Gram matrix {@code Σ δ_i δ_iᵀ} in double precision,
 * and {@code S V_i = Uᵀ δ_i}: neither the changes side by side nor {@code V} ever exist. Directions with a singular value of
 * 1e-5 or less are left out.
 */
final class Knots {
    private static final double SMALLEST = 1e-5;

    private Knots() {}

    /** The merged change before {@code λ}, fp32, of the caller's scope. */
    static Tensor merge(List<Part> parts, MergeMethod method) {
        try (var scope = Scope.open()) {
            var basis = basis(parts);
            long columns = matrix(parts.get(0)).size(1);
            var accumulator = new Accumulator(new long[] {basis.size(1), columns}, method);
            for (var part : parts) {
                try (var inner = Scope.open()) {
                    var block = torch.mm(basis.t(), matrix(part).to(ScalarType.Double))
                            .to(ScalarType.Float);
                    accumulator.add(part.trim().apply(part.name(), block), part.factor());
                }
            }
            return scope.keep(
                    torch.mm(basis, accumulator.result().to(ScalarType.Double)).to(ScalarType.Float));
        }
    }

    private static Tensor matrix(Part part) {
        return part.delta().dense();
    }

    /** {@code U [out, directions]}, double. */
    private static Tensor basis(List<Part> parts) {
        try (var scope = Scope.open()) {
            long out = matrix(parts.get(0)).size(0);
            var gram = torch.zeros(new long[] {out, out}, Engine.options(ScalarType.Double));
            for (var part : parts) {
                try (var inner = Scope.open()) {
                    var delta = matrix(part).to(ScalarType.Double);
                    gram.addmm_(delta, delta.t(), new Scalar(1.0), new Scalar(1.0));
                }
            }
            var found = torch.linalg_eigh(gram);
            long kept = found.get0().gt(new Scalar(SMALLEST * SMALLEST)).sum().item_long();
            return scope.keep(found.get1().narrow(1, out - kept, kept).contiguous());
        }
    }
}
