package dev.espalier.importance;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The importance of each element as AdaLoRA smooths it (<a href="https://arxiv.org/abs/2303.10512">arXiv 2303.10512</a>,
 * equations 8 to 10): with {@code I = |p·g|} at each step, {@code Ī ← β₁ Ī + (1 − β₁) I} and its uncertainty {@code Ū ← β₂ Ū +
 * (1 − β₂) |I − Ī|}, the score is {@code Ī Ū}. Averages start at 0 and are not corrected for that.
 *
 * <p>State per parameter: {@code exp_avg_ipt}, {@code exp_avg_unc}. For small, trained weights: it holds two tensors of each
 * one's shape.
 */
public final class MovingImportance implements AutoCloseable {
    private static final String AVERAGE = ".exp_avg_ipt";
    private static final String UNCERTAINTY = ".exp_avg_unc";

    private final double beta1;
    private final double beta2;
    private final Owner owner = new Owner();
    private final Map<String, Tensor> state = new LinkedHashMap<>();

    /**
     * @param parameters whose elements are scored, each with a name of its own
     * @param beta1 decay of the average, [0, 1); AdaLoRA takes 0.85
     * @param beta2 decay of the uncertainty, [0, 1); AdaLoRA takes 0.85
     */
    public MovingImportance(List<Parameter> parameters, double beta1, double beta2) {
        this.beta1 = decay("beta1", beta1);
        this.beta2 = decay("beta2", beta2);
        try (var scope = Scope.open()) {
            var options = Engine.options(ScalarType.Float);
            for (var parameter : parameters) {
                state.put(parameter.name() + AVERAGE, owner.own(torch.zeros(parameter.shape(), options)));
                state.put(parameter.name() + UNCERTAINTY, owner.own(torch.zeros(parameter.shape(), options)));
            }
        }
    }

    private static double decay(String name, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new InputException(name + " must be at least 0 and below 1, not " + value + ".");
        }
        return value;
    }

    /** Takes in the gradient of a step, before or after the step's change of the weight as the method has it. */
    public void update(Parameter parameter, Tensor gradient) {
        try (var scope = Scope.open()) {
            var now = ElementScore.PRODUCT.of(parameter.value(), gradient);
            var average = tensor(parameter, AVERAGE);
            average.mul_(new Scalar(beta1)).add_(now, new Scalar(1 - beta1));
            var off = now.sub(average).abs();
            tensor(parameter, UNCERTAINTY).mul_(new Scalar(beta2)).add_(off, new Scalar(1 - beta2));
        }
    }

    /** {@code Ī Ū} of each element, fp32, of the parameter's shape; in the caller's scope. */
    public Tensor score(Parameter parameter) {
        try (var scope = Scope.open()) {
            return scope.keep(tensor(parameter, AVERAGE).mul(tensor(parameter, UNCERTAINTY)));
        }
    }

    /** The averages by name; owned by this object. */
    public Map<String, Tensor> state() {
        return Map.copyOf(state);
    }

    /**
     * Goes on from the averages that were saved.
     *
     * @throws InputException if they are of other parameters
     */
    public void load(Map<String, Tensor> saved) {
        state.forEach((name, tensor) -> {
            var other = saved.get(name);
            if (other == null || !Arrays.equals(other.shape(), tensor.shape())) {
                throw new InputException("The saved importance has no " + name + " of shape "
                        + Arrays.toString(tensor.shape()) + ": it belongs to another adapter; start the run anew.");
            }
        });
        state.forEach((name, tensor) -> {
            var other = saved.get(name);
            if (other != null) {
                tensor.copy_(other);
            }
        });
    }

    private Tensor tensor(Parameter parameter, String kind) {
        var tensor = state.get(parameter.name() + kind);
        if (tensor == null) {
            throw new IllegalArgumentException("The importance of " + parameter + " is not tracked.");
        }
        return tensor;
    }

    @Override
    public void close() {
        owner.close();
    }
}
