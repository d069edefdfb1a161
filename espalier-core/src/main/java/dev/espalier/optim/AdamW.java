package dev.espalier.optim;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * AdamW (<a href="https://arxiv.org/abs/1711.05101">arXiv 1711.05101</a>) with PyTorch's arithmetic, by libtorch's fused
 * kernel, one native call per group. With {@code t} the parameter's own step count from 1 and {@code η} the group's
 * learning rate: {@code p ← p (1 − η λ)}, {@code m ← β₁ m + (1 − β₁) g}, {@code v ← β₂ v + (1 − β₂) g²},
 * {@code p ← p − η / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)}.
 *
 * <p>State per parameter: {@code step}, {@code exp_avg}, {@code exp_avg_sq}.
 */
public final class AdamW implements Optimizer {
    private static final String STEP = "step";
    private static final String AVERAGE = "exp_avg";
    private static final String SQUARE = "exp_avg_sq";

    private final Options options;
    private final OptimizerState state;
    private final List<FusedGroup> groups;

    /** @throws IllegalArgumentException for a parameter that is not contiguous fp32 or stands in two groups */
    public AdamW(List<ParameterGroup> groups, Options options) {
        this.options = options;
        this.state = new OptimizerState(
                groups, shape -> Map.of(STEP, new long[0], AVERAGE, shape.clone(), SQUARE, shape.clone()));
        this.groups = groups.stream().map(FusedGroup::new).toList();
    }

    @Override
    @SuppressWarnings("try") // the guard works by being open
    public void step(Map<String, Tensor> gradients, double learningRate) {
        state.requireKnown(gradients);
        try (var scope = Scope.open();
                var noGrad = new NoGradGuard()) {
            for (var group : groups) {
                group.step(gradients, learningRate);
            }
        }
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
        groups.forEach(FusedGroup::close);
        state.close();
    }

    /**
     * @param beta1 decay of the first moment, [0, 1)
     * @param beta2 decay of the second moment, [0, 1)
     * @param epsilon added to the root of the corrected second moment
     */
    public record Options(double beta1, double beta2, double epsilon) {
        /** PyTorch's. */
        public static final Options DEFAULT = new Options(0.9, 0.999, 1e-8);

        public Options {
            if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) {
                throw new InputException(
                        "AdamW's betas must be at least 0 and below 1, not " + beta1 + " and " + beta2 + ".");
            }
            if (!(epsilon >= 0)) {
                throw new InputException("AdamW's epsilon must be at least 0, not " + epsilon + ".");
            }
        }
    }

    /** A group and the native lists of those of its parameters that had a gradient in the last step. */
    private final class FusedGroup {
        private final ParameterGroup group;
        private @Nullable Lists lists;

        FusedGroup(ParameterGroup group) {
            this.group = group;
        }

        void step(Map<String, Tensor> gradients, double learningRate) {
            var names = group.parameters().keySet().stream()
                    .filter(gradients::containsKey)
                    .toList();
            if (names.isEmpty()) {
                return;
            }
            var own = lists(names);
            ListOperator.add(own.steps, 1);
            ListOperator.FUSED_ADAMW.call(
                    own.parameters,
                    ListOperator.list(names.stream()
                            .map(name -> state.gradient(gradients, name))
                            .toList()),
                    own.averages,
                    own.squares,
                    own.noMaxima,
                    own.steps,
                    new IValue(learningRate * group.learningRateMultiplier()),
                    new IValue(options.beta1),
                    new IValue(options.beta2),
                    new IValue(group.weightDecay()),
                    new IValue(options.epsilon),
                    new IValue(false), // amsgrad
                    new IValue(false), // maximize
                    new IValue(), // no gradient scale
                    new IValue()); // no overflow flag
        }

        /** Nearly every step has the gradients of the same parameters, so the lists are made once. */
        private Lists lists(List<String> names) {
            if (lists == null || !lists.names.equals(names)) {
                close();
                lists = new Lists(names);
            }
            return lists;
        }

        void close() {
            if (lists != null) {
                lists.owner.close();
                lists = null;
            }
        }
    }

    private final class Lists {
        final List<String> names;
        final Owner owner = new Owner();
        final IValue parameters;
        final IValue averages;
        final IValue squares;
        final IValue steps;
        final IValue noMaxima;

        Lists(List<String> names) {
            this.names = names;
            parameters = list(state::parameter);
            averages = list(name -> state.get(name, AVERAGE));
            squares = list(name -> state.get(name, SQUARE));
            steps = list(name -> state.get(name, STEP));
            noMaxima = owner.own(ListOperator.list(new ArrayList<>()));
        }

        private IValue list(Function<String, Tensor> tensor) {
            return owner.own(ListOperator.list(names.stream().map(tensor).toList()));
        }
    }
}
