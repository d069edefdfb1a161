package dev.espalier.merge;

import dev.espalier.adapter.WeightDelta;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * How the changes that were merged agree: their norms, exactly; where they are 0 and of which sign, in a sample of at most
 * eight rows of each weight, evenly spread. It is what takes part in the merge that is looked at, after it was trimmed, where
 * whole changes are merged; else the changes as they are.
 */
public final class MergeStatistics {
    private static final long ROWS = 8;

    private final int adapters;
    private final Map<String, Map<Integer, Seen>> weights = new LinkedHashMap<>();

    /**
     * @param squaredNorm of the weighted change
     * @param positive which of the sampled numbers are above 0, with the sign of the adapter's weight
     * @param negative which are below 0
     */
    private record Seen(double squaredNorm, BitSet positive, BitSet negative, int sampled) {
        BitSet present() {
            var present = (BitSet) positive.clone();
            present.or(negative);
            return present;
        }
    }

    MergeStatistics(int adapters) {
        this.adapters = adapters;
    }

    /** Notes the change of the adapter at {@code place}; a second look at the same one takes the place of the first. */
    void see(String weight, int place, double factor, WeightDelta delta) {
        try (var scope = Scope.open()) {
            var sample = FloatArrays.of(sample(delta));
            var positive = new BitSet(sample.length);
            var negative = new BitSet(sample.length);
            for (int i = 0; i < sample.length; i++) {
                float value = (float) (sample[i] * Math.signum(factor));
                positive.set(i, value > 0);
                negative.set(i, value < 0);
            }
            var seen = new Seen(factor * factor * squaredNorm(delta), positive, negative, sample.length);
            weights.computeIfAbsent(weight, w -> new TreeMap<>()).put(place, seen);
        }
    }

    private static double squaredNorm(WeightDelta delta) {
        if (delta instanceof WeightDelta.LowRank factors) {
            var up = torch.mm(factors.b().t(), factors.b());
            var down = torch.mm(factors.a(), factors.a().t());
            return factors.scaling() * factors.scaling() * up.mul(down).sum().item_double();
        }
        double norm = delta.dense().norm().item_double();
        return norm * norm;
    }

    private static Tensor sample(WeightDelta delta) {
        if (delta instanceof WeightDelta.LowRank factors) {
            return torch.mm(rows(factors.b()), factors.a()).mul(new Scalar(factors.scaling()));
        }
        var values = delta.dense();
        return values.dim() < 2 ? values : rows(values);
    }

    private static Tensor rows(Tensor matrix) {
        long count = matrix.size(0);
        long taken = Math.min(ROWS, count);
        var rows = new Tensor[(int) taken];
        for (int i = 0; i < taken; i++) {
            rows[i] = matrix.narrow(0, i * count / taken, 1);
        }
        return torch.cat(new TensorVector(rows), 0);
    }

    /** The weights that were seen, in the order they were merged. */
    public List<String> weights() {
        return List.copyOf(weights.keySet());
    }

    /**
     * Of a weight's sampled places where any adapter has something, the share where some are positive and others negative.
     */
    public double signConflicts(String weight) {
        return share(List.of(weight), MergeStatistics::conflicting);
    }

    /** {@link #signConflicts(String)} over all weights together. */
    public double signConflicts() {
        return share(weights(), MergeStatistics::conflicting);
    }

    private double share(List<String> among, ToDoubleFunction<Sides> part) {
        double counted = 0;
        double all = 0;
        for (var weight : among) {
            var sides = Sides.of(of(weight).values());
            counted += part.applyAsDouble(sides);
            all += sides.any();
        }
        return all == 0 ? 0 : counted / all;
    }

    private static double conflicting(Sides sides) {
        var both = (BitSet) sides.positive.clone();
        both.and(sides.negative);
        return both.cardinality();
    }

    private record Sides(BitSet positive, BitSet negative) {
        static Sides of(Iterable<Seen> all) {
            var sides = new Sides(new BitSet(), new BitSet());
            all.forEach(seen -> {
                sides.positive.or(seen.positive);
                sides.negative.or(seen.negative);
            });
            return sides;
        }

        double any() {
            var any = (BitSet) positive.clone();
            any.or(negative);
            return any.cardinality();
        }
    }

    private Map<Integer, Seen> of(String weight) {
        return weights.getOrDefault(weight, Map.of());
    }

    /** The share of the numbers of an adapter's changed weights that are not 0 in the sample. */
    public double density(int adapter) {
        return density(seen(adapter));
    }

    /** The same of one weight; empty if the adapter does not change it. */
    public OptionalDouble density(String weight, int adapter) {
        var seen = of(weight).get(adapter);
        return seen == null ? OptionalDouble.empty() : OptionalDouble.of(density(List.of(seen)));
    }

    private static double density(List<Seen> all) {
        double present = 0;
        double sampled = 0;
        for (var seen : all) {
            present += seen.present().cardinality();
            sampled += seen.sampled;
        }
        return sampled == 0 ? 0 : present / sampled;
    }

    /**
     * Each adapter's share of the sum of all adapters' Frobenius norms, with their weights.
     *
     * @return of all adapters, in their order
     */
    public List<Double> normShares() {
        var norms = new ArrayList<Double>();
        for (int i = 0; i < adapters; i++) {
            norms.add(Math.sqrt(seen(i).stream().mapToDouble(Seen::squaredNorm).sum()));
        }
        double all = norms.stream().mapToDouble(n -> n).sum();
        norms.replaceAll(norm -> all == 0 ? 0 : norm / all);
        return Collections.unmodifiableList(norms);
    }

    private List<Seen> seen(int adapter) {
        return weights.values().stream()
                .flatMap(byPlace -> byPlace.entrySet().stream())
                .filter(entry -> entry.getKey() == adapter)
                .map(Map.Entry::getValue)
                .toList();
    }

    /** Of the sampled places where adapter {@code a} or {@code b} has something, the share where both have (Jaccard). */
    public double overlap(int a, int b) {
        return compare(a, b).overlap();
    }

    /** Of the sampled places where both {@code a} and {@code b} have something, the share where their signs differ. */
    public double signConflicts(int a, int b) {
        return compare(a, b).conflicts();
    }

    /** Of one adapter's changes, the share where any other has the other sign. */
    public double signConflictsWithOthers(int adapter) {
        double conflicting = 0;
        double present = 0;
        for (var byPlace : weights.values()) {
            var mine = byPlace.get(adapter);
            if (mine != null) {
                var others = new ArrayList<>(byPlace.values());
                others.remove(mine);
                var sides = Sides.of(others);
                conflicting += common(mine.positive, sides.negative) + common(mine.negative, sides.positive);
                present += mine.present().cardinality();
            }
        }
        return present == 0 ? 0 : conflicting / present;
    }

    private record Pair(double both, double either, double opposed) {
        double overlap() {
            return either == 0 ? 0 : both / either;
        }

        double conflicts() {
            return both == 0 ? 0 : opposed / both;
        }
    }

    private Pair compare(int a, int b) {
        double both = 0;
        double either = 0;
        double opposed = 0;
        for (var byPlace : weights.values()) {
            var first = byPlace.get(a);
            var second = byPlace.get(b);
            double in = first == null ? 0 : first.present().cardinality();
            double on = second == null ? 0 : second.present().cardinality();
            if (first != null && second != null) {
                double common = common(first.present(), second.present());
                both += common;
                either -= common;
                opposed += common(first.positive, second.negative) + common(first.negative, second.positive);
            }
            either += in + on;
        }
        return new Pair(both, either, opposed);
    }

    private static int common(BitSet a, BitSet b) {
        var common = (BitSet) a.clone();
        common.and(b);
        return common.cardinality();
    }
}
