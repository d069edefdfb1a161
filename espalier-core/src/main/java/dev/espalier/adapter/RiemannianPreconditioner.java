package dev.espalier.adapter;

import dev.espalier.tensor.Scope;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Riemannian preconditioning of LoRA's gradients (Zhang and Pilanci, <a href="https://arxiv.org/abs/2402.02347">arXiv
 * 2402.02347</a>; of mixtures, Sun et al., <a href="https://arxiv.org/abs/2502.15828">arXiv 2502.15828</a>):
 * {@code g_A ← (BᵀB + εI)⁻¹ g_A} and {@code g_B ← g_B (AAᵀ + εI)⁻¹}, of every expert by itself, so that a step changes
 * {@code BA} the same way however it is split into factors. Where experts share their {@code A}, it is one factor of all
 * their {@code B} stacked, and {@code BᵀB} is the sum over the experts. Both go by the weights before the step. Solved in
 * double precision, for {@code ε} is far below what fp32 holds beside a large {@code BᵀB}.
 *
 * @param epsilon {@code ε}, above 0
 */
record RiemannianPreconditioner(List<LowRankPair> pairs, double epsilon) implements GradientTransform {
    RiemannianPreconditioner {
        Checks.positive("riemannian-epsilon", epsilon);
        pairs = List.copyOf(pairs);
    }

    /** Of all low-rank pairs of {@code adapter}; those that have no gradients, as they do not train, are passed over. */
    static RiemannianPreconditioner of(Adapter adapter, double epsilon) {
        var pairs = adapter.deltas().values().stream()
                .flatMap(delta -> LowRankPair.of(delta).stream())
                .toList();
        return new RiemannianPreconditioner(pairs, epsilon);
    }

    @Override
    @SuppressWarnings("try") // the guard works by being open
    public void apply(Map<String, Tensor> gradients) {
        for (var pair : pairs) {
            var gradientA = gradients.get(pair.a().name());
            var gradientB = gradients.get(pair.b().name());
            if (gradientA != null && gradientB != null) {
                try (var scope = Scope.open();
                        var noGrad = new NoGradGuard()) {
                    apply(pair, gradientA, gradientB);
                }
            }
        }
    }

    private void apply(LowRankPair pair, Tensor gradientA, Tensor gradientB) {
        // Rows of experts: A as [experts or 1, rank, in], B transposed as [experts, rank, out].
        var b = ofExperts(pair.b().value().t(), pair.experts());
        boolean shared = pair.sharedA();
        var a = ofExperts(pair.a().value(), shared ? 1 : pair.experts());
        var ofB = gram(b);
        var newA = solved(shared ? ofB.sum(0).unsqueeze(0) : ofB, ofExperts(gradientA, (int) a.size(0)));
        var newB = solved(gram(a), ofExperts(gradientB.t(), pair.experts()));
        gradientA.copy_(newA.reshape(gradientA.shape()));
        gradientB.t().copy_(newB.reshape(gradientB.t().shape()));
    }

    private static Tensor ofExperts(Tensor rows, int experts) {
        return rows.to(ScalarType.Double).reshape(experts, rows.size(0) / experts, rows.size(1));
    }

    /** {@code X Xᵀ} of every expert, {@code [experts, rank, rank]}. */
    private static Tensor gram(Tensor x) {
        return torch.bmm(x, x.transpose(1, 2));
    }

    /** {@code (gram + εI)⁻¹ gradient}, of every expert. */
    private Tensor solved(Tensor gram, Tensor gradient) {
        var damped = gram.add(torch.eye(gram.size(1), gram.options()).mul(new Scalar(epsilon)));
        return torch.linalg_solve(damped.expand(gradient.size(0), -1, -1), gradient, true);
    }
}
