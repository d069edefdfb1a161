package dev.espalier.train;

import dev.espalier.allocation.AllocationRule;
import dev.espalier.allocation.Matrices;
import dev.espalier.allocation.Sensitivities;
import dev.espalier.allocation.Stability;
import dev.espalier.allocation.WeightComparison;
import dev.espalier.report.AllocationFacts;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a probe measured.
 *
 * @param matrices that were measured, with shapes and the sensitivities of the whole sample
 * @param firstHalf the sensitivities of the first half of a task's sample, to tell how stable a choice is; of those tasks
 *     whose sample has a half from which all matrices can be measured, and empty if there is none
 * @param samples how many rows were measured, by task; a row counts once, however many layers were measured on it
 * @param peakMegabytes the most memory that the process had meanwhile, in 1,000,000 bytes
 */
public record Probed(
        Matrices matrices, Optional<Sensitivities> firstHalf, Map<String, Integer> samples, double peakMegabytes) {
    /** Of the whole sample. */
    public Sensitivities sensitivities() {
        return matrices.sensitivities();
    }

    /** What is said of the allocation that {@code rule} makes of this. */
    public AllocationFacts facts(AllocationRule rule, Optional<WeightComparison> weights) {
        return new AllocationFacts(weights, samples, stability(rule), OptionalDouble.of(peakMegabytes));
    }

    /** How stable the choice of {@code rule} is, by task; without those whose rows are too few to tell. */
    public Map<String, Stability> stability(AllocationRule rule) {
        return firstHalf.map(half -> Stability.of(rule, matrices, half)).orElse(Map.of());
    }
}
