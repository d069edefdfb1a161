package dev.espalier.optim;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Adafactor without momentum (<a href="https://arxiv.org/abs/1804.04235">arXiv 1804.04235</a>, algorithms 4 and 5), with
 * the options of fairseq and transformers and an explicit learning rate. A parameter of two or more axes keeps the means
 * {@code R} and {@code C} of its squared gradient over its last and its last but one axis; leading axes, such as stacked
 * experts, are factored each for itself, but clipped as one update. With {@code t} the parameter's step count from 1,
 * {@code β = 1 − t^decayRate} and {@code S = g² + ε₁}:
 *
 * <pre>
 * R ← β R + (1 − β) mean_columns(S)      C ← β C + (1 − β) mean_rows(S)
 * u = g / √(R Cᵀ / mean(R))              (a vector: V ← β V + (1 − β) S, u = g / √V)
 * η' = η · max(ε₂, rms(p)) with scaleParameter, else η
 * p ← p (1 − η' λ) − η' · u / max(1, rms(u) / clipThreshold)
 * </pre>
 *
 * <p>State per parameter: {@code step}, and {@code exp_avg_sq_row}, {@code exp_avg_sq_col} or {@code exp_avg_sq}.
 */
public final class Adafactor implements Optimizer {
    private static final String STEP = "step";
    private static final String ROW = "exp_avg_sq_row";
    private static final String COLUMN = "exp_avg_sq_col";
    private static final String SQUARE = "exp_avg_sq";

    private final List<ParameterGroup> groups;
    private final Options options;
    private final OptimizerState state;

    /** @throws IllegalArgumentException for a parameter that is not contiguous fp32 or stands in two groups */
    public Adafactor(List<ParameterGroup> groups, Options options) {
        this.groups = List.copyOf(groups);
        this.options = options;
        this.state = new OptimizerState(groups, Adafactor::kinds);
    }

    private static Map<String, long[]> kinds(long[] shape) {
        if (shape.length < 2) {
            return Map.of(STEP, new long[0], SQUARE, shape);
        }
        var row = Arrays.copyOf(shape, shape.length - 1);
        var column = row.clone();
        column[column.length - 1] = shape[shape.length - 1];
        return Map.of(STEP, new long[0], ROW, row, COLUMN, column);
    }

    @Override
    @SuppressWarnings("try") // the guard works by being open
    public void step(Map<String, Tensor> gradients, double learningRate) {
        state.requireKnown(gradients);
        try (var noGrad = new NoGradGuard()) {
            for (var group : groups) {
                for (var name : group.parameters().keySet()) {
                    if (gradients.containsKey(name)) {
                        update(name, gradients, learningRate * group.learningRateMultiplier(), group.weightDecay());
                    }
                }
            }
        }
    }

    private void update(String name, Map<String, Tensor> gradients, double learningRate, double weightDecay) {
        try (var scope = Scope.open()) {
            var parameter = state.parameter(name);
            var gradient = state.gradient(gradients, name);
            var step = state.get(name, STEP).add_(new Scalar(1.0)).item_double();
            var rate = options.scaleParameter
                    ? learningRate * Math.max(options.epsilon2, rootMeanSquare(parameter))
                    : learningRate;
            var update =
                    gradient.shape().length < 2 ? adaptVector(name, gradient, step) : adaptMatrix(name, gradient, step);
            var clip = Math.max(1, rootMeanSquare(update) / options.clipThreshold);
            parameter.mul_(new Scalar(1 - rate * weightDecay));
            parameter.add_(update, new Scalar(-rate / clip));
        }
    }

    private Tensor adaptVector(String name, Tensor gradient, double step) {
        var square = state.get(name, SQUARE).lerp_(square(gradient), keepWeight(step));
        return square.rsqrt().mul_(gradient);
    }

    private Tensor adaptMatrix(String name, Tensor gradient, double step) {
        var square = square(gradient);
        var row = state.get(name, ROW).lerp_(square.mean(-1), keepWeight(step));
        var column = state.get(name, COLUMN).lerp_(square.mean(-2), keepWeight(step));
        var rowFactor = row.div(row.mean(new long[] {-1}, true, null)).rsqrt_().unsqueeze(-1);
        return torch.mul(rowFactor, column.rsqrt().unsqueeze(-2)).mul_(gradient);
    }

    private Tensor square(Tensor gradient) {
        return gradient.mul(gradient).add_(new Scalar(options.epsilon1));
    }

    /** {@code 1 − β}: the weight of the newest square. */
    private Scalar keepWeight(double step) {
        return new Scalar(Math.pow(step, options.decayRate));
    }

    private static double rootMeanSquare(Tensor tensor) {
        return tensor.norm().item_double() / Math.sqrt(tensor.numel());
    }

    @Override
    public void forget(Set<String> parameters) {
        state.forget(parameters);
    }

    @Override
    public void exchange(String parameter, String source, UnaryOperator<Tensor> entries) {
        state.exchange(parameter, source, entries);
    }

    @Override
    public Map<String, Tensor> state() {
        return state.view();
    }

    @Override
    public void load(Map<String, Tensor> saved) {
        state.load(saved);
    }

    @Override
    public void close() {
        state.close();
    }

    /**
     * @param epsilon1 added to the squared gradient
     * @param epsilon2 smallest parameter scale, with {@code scaleParameter}
     * @param clipThreshold largest root mean square of an update before the learning rate
     * @param decayRate exponent of the step in {@code 1 − β}, below 0
     * @param scaleParameter whether the learning rate is relative to the parameter's root mean square
     */
    public record Options(
            double epsilon1, double epsilon2, double clipThreshold, double decayRate, boolean scaleParameter) {
        /** The paper's, with a learning rate that is absolute. */
        public static final Options DEFAULT = new Options(1e-30, 1e-3, 1, -0.8, false);

        public Options {
            if (!(epsilon1 >= 0 && epsilon2 >= 0)) {
                throw new InputException(
                        "Adafactor's epsilons must be at least 0, not " + epsilon1 + " and " + epsilon2 + ".");
            }
            if (!(clipThreshold > 0)) {
                throw new InputException("Adafactor's clip threshold must be above 0, not " + clipThreshold + ".");
            }
            if (!(decayRate < 0)) {
                throw new InputException("Adafactor's decay rate must be below 0, not " + decayRate + ".");
            }
        }
    }
}
