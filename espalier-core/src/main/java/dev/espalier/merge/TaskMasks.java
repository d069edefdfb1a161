package dev.espalier.merge;

import dev.espalier.tensor.Scope;
import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * What EMR-Merging (Huang et al., arXiv 2405.17461) keeps of each task beside the unified change {@code δ}: the mask
 * {@code δ_i δ > 0}, and one factor by which {@code factor · mask ⊙ δ} is as large as {@code δ_i} was on average, the mean
 * magnitudes summed over weights.
 */
final class TaskMasks {
    private final double[] own;
    private final double[] masked;

    TaskMasks(int tasks) {
        own = new double[tasks];
        masked = new double[tasks];
    }

    /** Where {@code delta} and {@code unified} agree; of the caller's scope. */
    static Tensor mask(Tensor delta, Tensor unified) {
        return delta.mul(unified).gt(new Scalar(0.0));
    }

    /**
     * Takes a weight of a task into the task's factor.
     *
     * @return the task's mask, of the caller's scope
     */
    Tensor add(int task, Tensor delta, Tensor unified) {
        try (var scope = Scope.open()) {
            var mask = mask(delta, unified);
            own[task] += delta.abs().mean().item_double();
            masked[task] += unified.abs().mul(mask).mean().item_double();
            return scope.keep(mask);
        }
    }

    /** The factor of {@code task} over all weights that were added. */
    double factor(int task) {
        return masked[task] == 0 ? 1 : own[task] / masked[task];
    }

    @Override
    public String toString() {
        return Arrays.toString(own) + " / " + Arrays.toString(masked);
    }
}
