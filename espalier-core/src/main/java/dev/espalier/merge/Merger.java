package dev.espalier.merge;

import dev.espalier.adapter.DeltaSource;
import dev.espalier.adapter.WeightDelta;
import dev.espalier.error.InputException;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The merged change of several adapters, one weight at a time, as if it were one adapter. A weight is merged anew each time
 * it is asked for, always to the same numbers. An adapter that does not change a weight takes part with zeros.
 *
 * <p>While a weight is merged, the dense change of one adapter exists at a time beside what is summed up: at most eight
 * matrices of the weight's size, however many adapters there are. TSV-M holds the singular vectors it keeps of all. Where
 * magnitudes are ranked over a whole adapter, its changes are made twice more, before the first weight.
 */
public final class Merger implements DeltaSource {
    private final List<DeltaSource> adapters;
    private final MergePlan plan;
    private final Map<String, List<Long>> shapes = new LinkedHashMap<>();
    private final Map<MergeMethod, List<Trim>> trims = new HashMap<>();
    private final MergeStatistics statistics;

    /**
     * @param adapters of different names; they stay open
     * @throws InputException if there are none, their changes of a weight differ in shape, or the plan does not fit them
     */
    public Merger(List<? extends DeltaSource> adapters, MergePlan plan) {
        this.adapters = List.copyOf(adapters);
        this.plan = plan;
        if (adapters.isEmpty()) {
            throw new InputException("There are no adapters to merge; give at least one.");
        }
        plan.requireWeights(adapters.size());
        requireDifferentNames();
        this.adapters.forEach(this::addShapes);
        requireKnown();
        statistics = new MergeStatistics(this.adapters.size());
    }

    private void requireDifferentNames() {
        var names = new HashSet<String>();
        for (var adapter : adapters) {
            if (!names.add(adapter.name())) {
                throw new InputException(
                        "Two adapters are called '" + adapter.name() + "'; give them different names.");
            }
        }
    }

    private void addShapes(DeltaSource adapter) {
        adapter.shapes().forEach((weight, shape) -> {
            var known = shapes.putIfAbsent(weight, shape);
            if (known != null && !known.equals(shape)) {
                var other = adapters.stream()
                        .filter(a -> a.shapes().containsKey(weight))
                        .findFirst()
                        .orElseThrow();
                throw new InputException("Adapter '" + other.name() + "' changes " + weight + " of shape " + known
                        + " and adapter '" + adapter.name() + "' in shape " + shape
                        + "; only adapters of one base model can be merged.");
            }
        });
    }

    private void requireKnown() {
        for (var override : plan.overrides()) {
            if (shapes.keySet().stream().noneMatch(weight -> override.modules().matches(module(weight)))) {
                throw new InputException("No adapter changes a module "
                        + override.modules()
                                .regex()
                                .orElse(override.modules().names().toString())
                        + ", which an override names; remove it, or name one of "
                        + shapes.keySet().stream()
                                .map(Merger::module)
                                .distinct()
                                .limit(3)
                                .toList() + ".");
            }
        }
    }

    static String module(String weight) {
        return weight.substring(0, weight.lastIndexOf('.'));
    }

    @Override
    public String name() {
        return "merged";
    }

    @Override
    public String kind() {
        return plan.method().name();
    }

    /** What is merged, in its order. */
    public List<DeltaSource> adapters() {
        return adapters;
    }

    public MergePlan plan() {
        return plan;
    }

    /** What was seen of the weights that were merged so far. */
    public MergeStatistics statistics() {
        return statistics;
    }

    /** The weights that any of the adapters changes. */
    @Override
    public Map<String, List<Long>> shapes() {
        return Collections.unmodifiableMap(shapes);
    }

    @Override
    public WeightDelta delta(String weight) {
        try (var scope = Scope.open()) {
            var here = plan.at(module(weight));
            var parts = parts(weight, here);
            var merged = merged(weight, parts, here);
            if (merged instanceof WeightDelta.LowRank factors) {
                return new WeightDelta.LowRank(
                        scope.keep(new Tensor(factors.b())), scope.keep(new Tensor(factors.a())), factors.scaling());
            }
            return new WeightDelta.Dense(scope.keep(new Tensor(merged.dense())));
        }
    }

    private List<Part> parts(String weight, MergePlan here) {
        var trims = trims(here.method());
        var parts = new ArrayList<Part>();
        for (int i = 0; i < adapters.size(); i++) {
            if (adapters.get(i).shapes().containsKey(weight)) {
                parts.add(new Part(i, adapters.get(i), weight, here.weight(i), trims.get(i)));
            }
        }
        return parts;
    }

    private List<Trim> trims(MergeMethod method) {
        return trims.computeIfAbsent(method, m -> {
            var random = RandomStream.of(plan.seed()).at("merge");
            var mine = shapes.keySet().stream()
                    .filter(weight -> plan.at(module(weight)).method().equals(m))
                    .toList();
            return adapters.stream()
                    .map(adapter -> Trim.of(m.sparsifier(), adapter, mine, random.at(adapter.name())))
                    .toList();
        });
    }

    private WeightDelta merged(String weight, List<Part> parts, MergePlan here) {
        var method = here.method();
        boolean matrix = shapes.getOrDefault(weight, List.of()).size() == 2;
        boolean plain = !matrix || method.representation() == Representation.DELTA;
        if (method.combination() == Combination.SLERP || !plain) {
            parts.forEach(part -> see(part, part.delta()));
        }
        if (method.combination() == Combination.SLERP) {
            return scaled(Slerp.merge(parts, method), method);
        }
        if (plain) {
            return method.isLinear() && areFactors(parts)
                    ? sumOfFactors(parts, here)
                    : accumulated(weight, parts, here);
        }
        return switch (method.representation()) {
            case FACTORS -> FactorMerge.merge(parts, method);
            case TSV -> TaskSingularVectors.merge(parts).scaled(method.lambda());
            case KNOTS, DELTA -> scaled(Knots.merge(parts, method), method);
        };
    }

    private static boolean areFactors(List<Part> parts) {
        return parts.stream().allMatch(part -> {
            try (var scope = Scope.open()) {
                return part.delta() instanceof WeightDelta.LowRank;
            }
        });
    }

    /** The exact sum or mean as factors side by side. */
    private WeightDelta sumOfFactors(List<Part> parts, MergePlan here) {
        double divisor = here.method().combination() == Combination.MEAN ? totalWeight(here) : 1;
        var factors = new ArrayList<WeightDelta.LowRank>();
        for (var part : parts) {
            var delta = (WeightDelta.LowRank) part.delta();
            see(part, delta);
            factors.add(delta.scaled(factor(part, delta, here) * here.method().lambda() / divisor));
        }
        return WeightDelta.LowRank.sum(factors);
    }

    private double totalWeight(MergePlan here) {
        double total = 0;
        for (int i = 0; i < adapters.size(); i++) {
            total += Math.abs(here.weight(i));
        }
        return total == 0 ? 1 : total;
    }

    private static double factor(Part part, WeightDelta delta, MergePlan here) {
        return here.method().scalingTwice() && delta instanceof WeightDelta.LowRank factors
                ? part.factor() * factors.scaling()
                : part.factor();
    }

    private WeightDelta accumulated(String weight, List<Part> parts, MergePlan here) {
        var shape = shapes.getOrDefault(weight, List.of()).stream()
                .mapToLong(Long::longValue)
                .toArray();
        var accumulator = new Accumulator(shape, here.method());
        var absent = new HashSet<Integer>();
        for (int i = 0; i < adapters.size(); i++) {
            absent.add(i);
        }
        for (var part : parts) {
            try (var scope = Scope.open()) {
                absent.remove(part.place());
                var delta = part.delta();
                var trimmed = part.trim().apply(weight, delta.dense());
                accumulator.add(trimmed, factor(part, delta, here));
                statistics.see(weight, part.place(), part.factor(), new WeightDelta.Dense(trimmed));
            }
        }
        absent.forEach(place -> accumulator.addZeros(here.weight(place)));
        return scaled(accumulator.result(), here.method());
    }

    private void see(Part part, WeightDelta delta) {
        statistics.see(part.name(), part.place(), part.factor(), delta);
    }

    private static WeightDelta scaled(Tensor merged, MergeMethod method) {
        return new WeightDelta.Dense(method.lambda() == 1 ? merged : merged.mul(new Scalar(method.lambda())));
    }

    /** The adapters stay open. */
    @Override
    public void close() {
        // Nothing is held between calls.
    }
}
