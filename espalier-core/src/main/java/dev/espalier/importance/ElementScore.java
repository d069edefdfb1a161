package dev.espalier.importance;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** How much one element of a weight matters, judged by its value {@code w} and its gradient {@code g}. */
public enum ElementScore {
    /** {@code g²}: summed over a matrix, its sensitivity (arXiv 2505.06272); its mean over samples, the Fisher information. */
    SQUARED_GRADIENT {
        @Override
        Tensor score(Tensor weight, Tensor gradient) {
            return gradient.square();
        }
    },
    /** {@code |g|}. */
    GRADIENT {
        @Override
        Tensor score(Tensor weight, Tensor gradient) {
            return gradient.abs();
        }
    },
    /** {@code |w|}. */
    MAGNITUDE {
        @Override
        Tensor score(Tensor weight, Tensor gradient) {
            return weight.abs();
        }
    },
    /** {@code |w·g|}: the change of the loss, to first order, if the element were 0 (SNIP, arXiv 1810.02340). */
    PRODUCT {
        @Override
        Tensor score(Tensor weight, Tensor gradient) {
            return weight.mul(gradient).abs_();
        }
    };

    /**
     * The scores of all elements, fp32, of their shape; in the caller's scope.
     *
     * @param weight of any floating dtype
     * @param gradient of the same shape and any floating dtype
     */
    public Tensor of(Tensor weight, Tensor gradient) {
        return new Tensor(score(weight.to(ScalarType.Float), gradient.to(ScalarType.Float)));
    }

    abstract Tensor score(Tensor weight, Tensor gradient);
}
