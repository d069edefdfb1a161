package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The ranks of {@link DynamicRankLora}: a component's score is its share {@code ‖c_i B_i A_i‖_F / ‖ΔW‖_F} of its module,
 * averaged over steps with decay 0.9. From 15 % of the run's steps to 50 % the budget of all modules falls by a cubic, and
 * at each step the components with the smallest scores go, for good.
 */
final class DynamicRankBudget implements BudgetSchedule {
    private static final double BEGIN = .15;
    private static final double END = .5;
    private static final double DECAY = .9;

    private final Map<String, RankTriplets> modules;
    private final Map<String, Tensor> scores = new LinkedHashMap<>();
    private final Owner owner = new Owner();
    private final CubicBudget schedule;
    private final int steps;
    private final int target;
    private final int all;

    DynamicRankBudget(Adapter adapter, int rank, int steps) {
        this.steps = steps;
        schedule = new CubicBudget((int) (BEGIN * steps), steps - (int) (END * steps), 1);
        schedule.require(steps);
        modules = RankTriplets.of(adapter);
        all = modules.values().stream().mapToInt(RankTriplets::count).sum();
        target = rank * modules.size();
        try (var scope = Scope.open()) {
            modules.forEach((path, ranks) -> scores.put(
                    path + ".share",
                    owner.own(torch.zeros(new long[] {ranks.count()}, Engine.options(ScalarType.Float)))));
        }
    }

    @Override
    public Set<String> afterUpdate(int step, Map<String, Tensor> gradients) {
        if (step > schedule.last(steps)) {
            return Set.of();
        }
        try (var scope = Scope.open()) {
            modules.forEach(
                    (path, ranks) -> score(path).mul_(new Scalar(DECAY)).add_(shares(ranks), new Scalar(1 - DECAY)));
            if (schedule.allocates(step, steps)) {
                allocate(schedule.at(step, steps, all, target));
            }
        }
        return Set.of();
    }

    /** The share of each component, {@code [rank]}; zeros where there is no delta yet. */
    private static Tensor shares(RankTriplets ranks) {
        var on = ranks.d().value();
        var a = ranks.a().value();
        var b = ranks.b().value().mul(on);
        var products = torch.mm(a, a.t()).mul(torch.mm(b.t(), b));
        double norm = Math.sqrt(Math.max(0, products.sum().item_double()));
        return norm > 0 ? products.diagonal().sqrt().div(new Scalar(norm)) : torch.zeros_like(on);
    }

    /** Leaves the {@code budget} components with the highest scores on; those before come first among equals. */
    private void allocate(int budget) {
        var left = new RankOrder();
        modules.forEach((path, ranks) -> left.add(path, ranks.kept(), score(path)));
        var kept = left.best(budget);
        modules.forEach((path, ranks) -> ranks.mask(rank -> kept.contains(new RankOrder.Place(path, rank))));
    }

    private Tensor score(String path) {
        return Objects.requireNonNull(scores.get(path + ".share"));
    }

    @Override
    public Map<String, Integer> ranks() {
        var ranks = new LinkedHashMap<String, Integer>();
        modules.forEach((path, triplets) -> ranks.put(path, Collections.frequency(triplets.kept(), true)));
        return ranks;
    }

    @Override
    public Map<String, Tensor> state() {
        return Collections.unmodifiableMap(scores);
    }

    @Override
    public void load(Map<String, Tensor> saved) {
        scores.forEach((name, score) -> {
            var value = saved.get(name);
            if (value == null || !Arrays.equals(value.shape(), score.shape())) {
                throw new InputException("The saved state has no " + name + " of shape "
                        + Arrays.toString(score.shape()) + ": it belongs to another adapter; start the run anew.");
            }
            score.copy_(value);
        });
    }

    @Override
    public void close() {
        owner.close();
    }
}
