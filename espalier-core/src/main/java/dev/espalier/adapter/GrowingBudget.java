package dev.espalier.adapter;

import dev.espalier.importance.MovingImportance;
import dev.espalier.tensor.Scope;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The ranks of {@link GrowingLora}: a module's score is the mean over its ranks of AdaLoRA's importance. At a growth the
 * best modules take their reserve into use and begin another.
 */
final class GrowingBudget implements BudgetSchedule {
    private static final double BETA = .85;

    private final GrowingLora structure;
    private final Map<String, RankTriplets> modules;
    private final MovingImportance importance;
    private final int target;

    GrowingBudget(GrowingLora structure, Adapter adapter, int rank) {
        this.structure = structure;
        modules = RankTriplets.of(adapter);
        target = Math.min(rank, structure.maximumRank()) * modules.size();
        importance = new MovingImportance(
                modules.values().stream().flatMap(RankTriplets::trained).toList(), BETA, BETA);
    }

    @Override
    public Set<String> afterUpdate(int step, Map<String, Tensor> gradients) {
        modules.values().forEach(ranks -> ranks.update(importance, gradients));
        if (step > 0 && step % structure.interval() == 0) {
            grow();
        }
        modules.values().forEach(GrowingBudget::holdOthers);
        return Set.of();
    }

    private void grow() {
        var order = new RankOrder();
        int total = 0;
        for (var module : modules.entrySet()) {
            int active = module.getValue().unmasked();
            total += active;
            if (active < structure.maximumRank()) {
                order.add(module.getKey(), active, mean(module.getValue().scores(importance), active));
            }
        }
        for (var place : order.best(Math.min(structure.atOnce(), target - total))) {
            modules.forEach((path, ranks) -> {
                if (path.equals(place.module())) {
                    ranks.mask(rank -> rank <= place.rank());
                }
            });
        }
    }

    private static double mean(float[] scores, int count) {
        double sum = 0;
        for (int rank = 0; rank < count; rank++) {
            sum += scores[rank];
        }
        return sum / count;
    }

    /** The optimizer has moved the factors of ranks that are not in use too. */
    private static void holdOthers(RankTriplets ranks) {
        int active = ranks.unmasked();
        try (var scope = Scope.open()) {
            ranks.applyMask();
            if (active < ranks.count()) {
                ranks.d().value().narrow(0, active, 1).fill_(new Scalar(GrowingLora.RESERVE));
            }
        }
    }

    @Override
    public Map<String, Integer> ranks() {
        var ranks = new LinkedHashMap<String, Integer>();
        modules.forEach((path, triplets) -> ranks.put(path, triplets.unmasked()));
        return ranks;
    }

    @Override
    public Map<String, Tensor> state() {
        return importance.state();
    }

    @Override
    public void load(Map<String, Tensor> saved) {
        importance.load(saved);
    }

    @Override
    public void close() {
        importance.close();
    }
}
