package dev.espalier.merge;

import dev.espalier.adapter.WeightDelta;
import dev.espalier.tensor.Scope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Singular triples of a change, largest first, double precision.
 *
 * @param left {@code U [rows, k]}
 * @param values {@code S [k]}
 * @param right {@code V [columns, k]}
 */
record SingularTriples(Tensor left, Tensor values, Tensor right) {
    /**
     * All triples, exactly; of factors without making their product: {@code B = Q_B R_B} and {@code Aᵀ = Q_A R_A} leave the
     * decomposition of the small {@code R_B R_Aᵀ}. Of the caller's scope.
     */
    static SingularTriples of(WeightDelta delta) {
        try (var scope = Scope.open()) {
            var found = delta instanceof WeightDelta.LowRank factors && isThin(factors)
                    ? thin(factors)
                    : full(delta.dense());
            return new SingularTriples(scope.keep(found.left), scope.keep(found.values), scope.keep(found.right));
        }
    }

    static boolean isThin(WeightDelta.LowRank factors) {
        return factors.rank() < Math.min(factors.b().size(0), factors.a().size(1));
    }

    private static SingularTriples thin(WeightDelta.LowRank factors) {
        var up = torch.linalg_qr(factors.b().to(ScalarType.Double));
        var down = torch.linalg_qr(factors.a().t().to(ScalarType.Double));
        var core = torch.mm(up.get1(), down.get1().t());
        core.mul_(new Scalar(factors.scaling()));
        var inner = full(core);
        return new SingularTriples(torch.mm(up.get0(), inner.left), inner.values, torch.mm(down.get0(), inner.right));
    }

    private static SingularTriples full(Tensor matrix) {
        var svd = torch.linalg_svd(matrix.to(ScalarType.Double), false, new StringViewOptional());
        return new SingularTriples(
                new Tensor(svd.get0()), new Tensor(svd.get1()), svd.get2().t());
    }

    /** How many singular values are above {@code share} of the largest. */
    long above(double share) {
        if (values.numel() == 0) {
            return 0;
        }
        double largest = values.select(0, 0).item_double();
        return values.gt(new Scalar(share * largest)).sum().item_long();
    }

    /** The {@code count} largest; views. */
    SingularTriples first(long count) {
        return new SingularTriples(left.narrow(1, 0, count), values.narrow(0, 0, count), right.narrow(1, 0, count));
    }
}
