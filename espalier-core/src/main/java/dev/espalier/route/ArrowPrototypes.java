package dev.espalier.route;

import dev.espalier.adapter.LoraExperts.Factors;
import dev.espalier.tensor.Scope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The prototypes of Arrow (Ostapenko et al., <a href="https://arxiv.org/abs/2405.11157">arXiv 2405.11157</a>): of an
 * expert's {@code B A} the first right singular vector, the unit input that it changes most. A token's score is the size of
 * its product with it, not a cosine; see {@link dev.espalier.routing.ArrowScorer}.
 */
final class ArrowPrototypes {
    private ArrowPrototypes() {}

    /**
     * The prototype of one linear, {@code [in]}, fp32, of the caller's scope. Its sign, which no score depends on, makes the
     * component of the largest size positive. Zero where {@code B A} is.
     *
     * <p>{@code B A} is never formed: with {@code B = Q R} and {@code Aᵀ = P T} it is {@code Q (R Tᵀ) Pᵀ}, so its singular
     * vectors are those of the small {@code R Tᵀ}, turned by {@code P}. In double.
     */
    static Tensor of(Factors factors) {
        try (var scope = Scope.open()) {
            var ofB = torch.linalg_qr(factors.b().to(ScalarType.Double));
            var ofA = torch.linalg_qr(factors.a().to(ScalarType.Double).t());
            var small = torch.mm(new Tensor(ofB.get1()), new Tensor(ofA.get1()).t());
            var found = torch.linalg_svd(small, false, new StringViewOptional());
            if (!(new Tensor(found.get1()).max().item_double() > 0)) {
                return scope.keep(torch.zeros_like(factors.a().select(0, 0))
                        .to(ScalarType.Float)
                        .clone());
            }
            var vector = torch.mv(new Tensor(ofA.get0()), new Tensor(found.get2()).select(0, 0));
            var largest = vector.select(0, vector.abs().argmax().item_long());
            var turned = vector.mul(new Scalar(Math.signum(largest.item_double())));
            return scope.keep(turned.to(ScalarType.Float));
        }
    }
}
