package dev.espalier.adapter;

import dev.espalier.importance.MovingImportance;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * AdaLoRA's budget, step by step as PEFT's {@code RankAllocator} has it: the score of a triplet is that of its factor plus
 * the means of its row's and its column's; at an allocation the factors of all triplets but the best become zero. They
 * may come back until the last allocation, which holds to the end.
 */
final class AdaLoraBudget implements BudgetSchedule {
    private final AdaLoraSpec spec;
    private final int steps;
    private final Map<String, RankTriplets> modules;
    private final MovingImportance importance;
    private final int all;

    AdaLoraBudget(AdaLoraSpec spec, Adapter adapter, int steps) {
        this.spec = spec;
        this.steps = steps;
        modules = RankTriplets.of(adapter);
        importance = new MovingImportance(
                modules.values().stream().flatMap(RankTriplets::trained).toList(), spec.beta1(), spec.beta2());
        all = modules.values().stream().mapToInt(RankTriplets::count).sum();
    }

    @Override
    public Set<String> afterUpdate(int step, Map<String, Tensor> gradients) {
        var schedule = spec.schedule();
        if (step < schedule.last(steps)) {
            modules.values().forEach(triplets -> triplets.update(importance, gradients));
        }
        if (schedule.allocates(step, steps)) {
            allocate(schedule.at(step, steps, all, spec.targetRank() * modules.size()));
        } else if (step > schedule.last(steps)) {
            modules.values().forEach(RankTriplets::applyMask);
        }
        return Set.of();
    }

    private void allocate(int budget) {
        Map<RankTriplets, float[]> scores = new LinkedHashMap<>();
        try (var scope = Scope.open()) {
            modules.values().forEach(triplets -> scores.put(triplets, triplets.scores(importance)));
        }
        float threshold = threshold(scores, all - budget);
        scores.forEach((triplets, values) -> {
            triplets.mask(rank -> values[rank] > threshold);
            triplets.applyMask();
        });
    }

    /** The {@code lowest}th smallest score: no score up to it is kept, equal ones included, as in PEFT. */
    private static float threshold(Map<RankTriplets, float[]> scores, int lowest) {
        if (lowest <= 0) {
            return Float.NEGATIVE_INFINITY;
        }
        int count = scores.values().stream().mapToInt(values -> values.length).sum();
        var sorted = new float[count];
        int place = 0;
        for (var values : scores.values()) {
            System.arraycopy(values, 0, sorted, place, values.length);
            place += values.length;
        }
        Arrays.sort(sorted);
        return sorted[lowest - 1];
    }

    @Override
    public Map<String, Integer> ranks() {
        var ranks = new LinkedHashMap<String, Integer>();
        modules.forEach((path, triplets) -> ranks.put(path, Collections.frequency(triplets.kept(), true)));
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
