package dev.espalier.merge;

import dev.espalier.adapter.DeltaSource;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A {@link Sparsifier} that knows what it has to of one adapter. */
@FunctionalInterface
interface Trim {
    /** Leaves everything as it is. */
    Trim NONE = (name, delta) -> delta;

    /**
     * {@code delta} with zeros for what does not take part.
     *
     * @param name of the matrix, which random draws depend on
     * @param delta fp32, not changed
     * @return of the caller's scope; {@code delta} itself where all takes part
     */
    Tensor apply(String name, Tensor delta);

    /**
     * @param random of the adapter
     * @param weights among which magnitudes are ranked where that is done for all at once; their changes are then made
     *     twice here
     */
    static Trim of(Sparsifier sparsifier, DeltaSource adapter, Collection<String> weights, RandomStream random) {
        if (sparsifier.keepsAll()) {
            return NONE;
        }
        if (sparsifier instanceof Sparsifier.Random kept) {
            return (name, delta) -> random(kept, delta, random.at(name));
        }
        if (sparsifier instanceof Sparsifier.RankProbability ranked) {
            return (name, delta) -> byRank(ranked, delta, random.at(name));
        }
        var magnitude = (Sparsifier.Magnitude) sparsifier;
        return switch (magnitude.granularity()) {
            case ROW -> (name, delta) -> inRows(magnitude, delta);
            case TENSOR -> (name, delta) -> inTensor(magnitude, delta);
            case GLOBAL -> global(magnitude, adapter, weights);
        };
    }

    private static Tensor random(Sparsifier.Random kept, Tensor delta, RandomStream random) {
        var mask = random.keepMask(1 - kept.density(), rows(delta), columns(delta), ScalarType.Float)
                .view(delta.shape());
        mask.mul_(delta);
        if (kept.rescale()) {
            mask.div_(new Scalar(kept.density()));
        }
        return mask;
    }

    private static int rows(Tensor delta) {
        return delta.dim() < 2 ? 1 : Math.toIntExact(delta.size(0));
    }

    private static int columns(Tensor delta) {
        return Math.toIntExact(delta.numel() / Math.max(1, rows(delta)));
    }

    private static Tensor byRank(Sparsifier.RankProbability ranked, Tensor delta, RandomStream random) {
        var probabilities = probabilities(ranked, delta);
        var mask =
                random.uniform(rows(delta), columns(delta)).view(delta.shape()).lt(probabilities);
        var kept = delta.mul(mask);
        if (ranked.rescale()) {
            kept.div_(probabilities);
        }
        return kept;
    }

    /** {@code d - ε + 2 ε · rank / (columns - 1)}, rank 0 for the smallest magnitude of a row. */
    static Tensor probabilities(Sparsifier.RankProbability ranked, Tensor delta) {
        int columns = columns(delta);
        var magnitudes = delta.abs().view(rows(delta), columns);
        var order = torch.argsort(magnitudes, true, 1, false);
        var ranks = torch.argsort(order, true, 1, false).to(ScalarType.Float).view(delta.shape());
        double step = columns > 1 ? 2 * ranked.epsilon() / (columns - 1) : 0;
        ranks.mul_(new Scalar(step)).add_(new Scalar(ranked.density() - (columns > 1 ? ranked.epsilon() : 0)));
        return ranks;
    }

    private static Tensor inRows(Sparsifier.Magnitude magnitude, Tensor delta) {
        int columns = columns(delta);
        long dropped = share(magnitude.drop(), columns);
        long kept = Math.min(share(magnitude.keep(), columns), columns - dropped);
        var flat = delta.reshape(rows(delta), columns);
        // Stable, so that of equal magnitudes the first count as larger.
        var order = torch.argsort(flat.abs(), true, 1, true).narrow(1, dropped, kept);
        return torch.zeros_like(flat)
                .scatter(1, order, torch.gather(flat, 1, order))
                .view(delta.shape());
    }

    private static Tensor inTensor(Sparsifier.Magnitude magnitude, Tensor delta) {
        var ranks = ranks(magnitude, delta.numel());
        var thresholds = ThresholdSearch.of(delta, ranks);
        return between(thresholds.get(0), thresholds.get(1), delta);
    }

    private static Trim global(Sparsifier.Magnitude magnitude, DeltaSource adapter, Collection<String> weights) {
        var mine = weights.stream().filter(adapter.shapes()::containsKey).toList();
        var ranks = ranks(
                magnitude,
                mine.stream().mapToLong(weight -> numbers(adapter, weight)).sum());
        var search = new ThresholdSearch();
        mine.forEach(weight -> onDense(adapter, weight, search::count));
        search.refine(ranks);
        mine.forEach(weight -> onDense(adapter, weight, search::count));
        var dropped = shared(search.threshold(ranks.get(0)), adapter, mine);
        var kept = shared(search.threshold(ranks.get(1)), adapter, mine);
        return (name, delta) ->
                between(dropped.getOrDefault(name, Threshold.NONE), kept.getOrDefault(name, Threshold.NONE), delta);
    }

    /** The threshold of each weight: those that are equal to it are given to the first weights that have any. */
    private static Map<String, Threshold> shared(Threshold threshold, DeltaSource adapter, List<String> weights) {
        var shared = new LinkedHashMap<String, Threshold>();
        var left = new long[] {threshold.chosen()};
        for (var weight : weights) {
            if (threshold.chosen() == threshold.equal()) {
                shared.put(weight, threshold);
                continue;
            }
            onDense(adapter, weight, delta -> {
                long equal = threshold.equalIn(delta);
                long chosen = Math.min(equal, left[0]);
                left[0] -= chosen;
                shared.put(weight, new Threshold(threshold.value(), chosen, equal));
            });
        }
        return shared;
    }

    private static void onDense(DeltaSource adapter, String weight, Consumer<Tensor> use) {
        try (var scope = Scope.open()) {
            use.accept(adapter.delta(weight).dense());
        }
    }

    private static long numbers(DeltaSource adapter, String weight) {
        return adapter.shapes().getOrDefault(weight, List.of(0L)).stream()
                .mapToLong(Long::longValue)
                .reduce(1, Math::multiplyExact);
    }

    /** How many of {@code numbers} are dropped at the top, and how many are dropped or kept. */
    private static List<Long> ranks(Sparsifier.Magnitude magnitude, long numbers) {
        long dropped = share(magnitude.drop(), numbers);
        return List.of(dropped, Math.min(numbers, dropped + share(magnitude.keep(), numbers)));
    }

    private static long share(double share, long numbers) {
        return (long) (share * numbers);
    }

    private static Tensor between(Threshold dropped, Threshold keptToo, Tensor delta) {
        var kept = keptToo.keep(delta);
        var top = dropped.keep(delta);
        return dropped.isNone() ? kept : kept.sub(top);
    }
}
