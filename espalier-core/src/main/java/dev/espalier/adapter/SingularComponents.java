package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.model.Linear;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The exact singular value decomposition {@code W = U S Vᵀ} of a linear's weight, fp32, and low-rank factors made of its
 * components, largest first. Of the scope it is made in.
 */
final class SingularComponents {
    private final String name;
    private final Tensor left;
    private final Tensor values;
    private final Tensor right;

    SingularComponents(Linear linear) {
        name = linear.name();
        var found = torch.linalg_svd(linear.matrix().to(ScalarType.Float), false, new StringViewOptional());
        left = new Tensor(found.get0());
        values = new Tensor(found.get1());
        right = new Tensor(found.get2());
    }

    /** How many there are: the smaller side of the weight. */
    long count() {
        return values.size(0);
    }

    /** @throws InputException if there are less than {@code rank} components */
    void require(int rank) {
        if (rank > count()) {
            throw new InputException("Rank " + rank + " of " + name + " is more than the " + count()
                    + " singular values of its weight; lower the rank, or choose another initialisation.");
        }
    }

    /** {@code √(S/divisor) Vᵀ} of {@code rank} components from {@code first} on, {@code [rank, in]}. */
    Tensor a(long first, long rank, double divisor) {
        return right.narrow(0, first, rank).mul(roots(first, rank, divisor).unsqueeze(1));
    }

    /** {@code U √(S/divisor)} of {@code rank} components from {@code first} on, {@code [out, rank]}. */
    Tensor b(long first, long rank, double divisor) {
        return left.narrow(1, first, rank).mul(roots(first, rank, divisor));
    }

    private Tensor roots(long first, long rank, double divisor) {
        return values.narrow(0, first, rank).div(new Scalar(divisor)).sqrt();
    }
}
