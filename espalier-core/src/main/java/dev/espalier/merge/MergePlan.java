package dev.espalier.merge;

import dev.espalier.adapter.ModuleNames;
import dev.espalier.error.InputException;
import java.util.List;
import java.util.Optional;

/**
 * What is to be merged how.
 *
 * @param method of all weights that no override names
 * @param weights of the adapters, in their order; empty for 1 each
 * @param overrides for single modules; the first that names a module decides
 * @param seed of what is drawn
 */
public record MergePlan(MergeMethod method, List<Double> weights, List<Override> overrides, long seed) {
    /**
     * Another method or other weights for some modules.
     *
     * @param modules by exact path, the end of their path, or an expression
     */
    public record Override(ModuleNames modules, Optional<MergeMethod> method, Optional<List<Double>> weights) {}

    public MergePlan {
        weights = List.copyOf(weights);
        overrides = List.copyOf(overrides);
    }

    /** {@code method} with weight 1 for every adapter. */
    public static MergePlan of(MergeMethod method) {
        return new MergePlan(method, List.of(), List.of(), 0);
    }

    public MergePlan withMethod(MergeMethod given) {
        return new MergePlan(given, weights, overrides, seed);
    }

    public MergePlan withWeights(List<Double> given) {
        return new MergePlan(method, given, overrides, seed);
    }

    public MergePlan withSeed(long given) {
        return new MergePlan(method, weights, overrides, given);
    }

    /** What holds for {@code module}, a path. */
    MergePlan at(String module) {
        return overrides.stream()
                .filter(override -> override.modules.matches(module))
                .findFirst()
                .map(override -> new MergePlan(
                        override.method.orElse(method), override.weights.orElse(weights), List.of(), seed))
                .orElseGet(() -> new MergePlan(method, weights, List.of(), seed));
    }

    /** @throws InputException if there are weights, but not one for each adapter, or not all are numbers */
    void requireWeights(int adapters) {
        requireWeights(weights, adapters, "");
        overrides.forEach(override -> override.weights.ifPresent(given -> requireWeights(
                given,
                adapters,
                " for "
                        + override.modules
                                .regex()
                                .orElse(override.modules.names().toString()))));
    }

    private static void requireWeights(List<Double> weights, int adapters, String where) {
        if (!weights.isEmpty() && weights.size() != adapters) {
            throw new InputException("There are " + weights.size() + " weights" + where + " and " + adapters
                    + " adapters; give one weight for each adapter, in their order.");
        }
        for (double weight : weights) {
            if (!Double.isFinite(weight)) {
                throw new InputException("Weights must be numbers, but one" + where + " is " + weight + ".");
            }
        }
    }

    /** The weight of the adapter at {@code place}. */
    public double weight(int place) {
        return weights.isEmpty() ? 1 : weights.get(place);
    }
}
