package dev.espalier.merge;

import dev.espalier.adapter.WeightDelta;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A change cut to a rank by its singular value decomposition, {@code B = U √S} and {@code A = √S Vᵀ}, and what the cut leaves
 * out.
 *
 * @param factors of scaling 1, of the scope they were made in
 * @param squaredNorm of the change (Frobenius)
 * @param squaredError of what is left out, measured on the factors
 */
public record LowRankApproximation(WeightDelta.LowRank factors, double squaredNorm, double squaredError) {
    /** Matrices whose smaller side is not above this are decomposed exactly, in double precision. */
    private static final long SMALL = 256;

    private static final long OVERSAMPLING = 16;
    private static final int POWER_ITERATIONS = 4;

    /**
     * Cuts {@code delta} to {@code rank}: of factors exactly, of dense changes of some size by randomised subspace iteration
     * (Halko, Martinsson and Tropp, arXiv 0909.4061), with 16 more directions or twice as many as are wanted, whichever is
     * more, and four power iterations; always to the same numbers.
     *
     * @param rank at most the smaller side
     */
    public static LowRankApproximation of(WeightDelta delta, long rank) {
        try (var scope = Scope.open()) {
            boolean thin = delta instanceof WeightDelta.LowRank factors && SingularTriples.isThin(factors);
            var dense = thin ? new Tensor[0] : new Tensor[] {delta.dense()};
            boolean exact = thin || smaller(dense[0]) <= Math.max(SMALL, 2 * (rank + OVERSAMPLING));
            var triples = exact
                    ? SingularTriples.of(thin ? delta : new WeightDelta.Dense(dense[0]))
                    : subspace(dense[0], rank);
            var kept = triples.first(Math.min(rank, triples.values().size(0)));
            var factors = factors(kept, rank);
            double norm = thin ? squares(triples.values()) : squares(dense[0]);
            double error = thin
                    ? squares(triples.values()
                            .narrow(
                                    0,
                                    kept.values().size(0),
                                    triples.values().size(0) - kept.values().size(0)))
                    : squares(torch.addmm(dense[0], factors.b(), factors.a(), new Scalar(1.0), new Scalar(-1.0)));
            return new LowRankApproximation(
                    new WeightDelta.LowRank(scope.keep(factors.b()), scope.keep(factors.a()), 1), norm, error);
        }
    }

    /** {@code ‖Δ - B A‖ / ‖Δ‖}; 0 for a change of nothing. */
    public double relativeError() {
        return squaredNorm == 0 ? 0 : Math.sqrt(squaredError / squaredNorm);
    }

    private static long smaller(Tensor matrix) {
        return Math.min(matrix.size(0), matrix.size(1));
    }

    private static double squares(Tensor values) {
        double norm = values.norm().item_double();
        return norm * norm;
    }

    /** Of {@code rank}, the last ones 0 where there are fewer triples. */
    private static WeightDelta.LowRank factors(SingularTriples triples, long rank) {
        var roots = triples.values().sqrt();
        var b = triples.left().mul(roots).to(ScalarType.Float);
        var a = triples.right().mul(roots).to(ScalarType.Float).t();
        long missing = rank - triples.values().size(0);
        if (missing > 0) {
            b = torch.cat(new org.bytedeco.pytorch.TensorVector(b, b.new_zeros(b.size(0), missing)), 1);
            a = torch.cat(new org.bytedeco.pytorch.TensorVector(a, a.new_zeros(missing, a.size(1))), 0);
        }
        return new WeightDelta.LowRank(b.contiguous(), a.contiguous(), 1);
    }

    private static SingularTriples subspace(Tensor matrix, long rank) {
        try (var scope = Scope.open()) {
            long directions = rank + Math.max(OVERSAMPLING, rank);
            var start = Initialiser.normal(1, RandomStream.of(0).at("range finder"), matrix.size(1), directions);
            var basis = orthonormal(torch.mm(matrix, start));
            for (int i = 0; i < POWER_ITERATIONS; i++) {
                try (var inner = Scope.open()) {
                    basis = inner.keep(orthonormal(torch.mm(matrix, orthonormal(torch.mm(matrix.t(), basis)))));
                }
            }
            var core = torch.linalg_svd(torch.mm(basis.t(), matrix), false, new StringViewOptional());
            return new SingularTriples(
                    scope.keep(torch.mm(basis, core.get0())),
                    scope.keep(new Tensor(core.get1())),
                    scope.keep(core.get2().t()));
        }
    }

    private static Tensor orthonormal(Tensor columns) {
        return new Tensor(torch.linalg_qr(columns).get0());
    }
}
