package dev.espalier.train;

import dev.espalier.allocation.Matrices;
import dev.espalier.allocation.Sensitivities;
import java.util.Map;

/**
 * What a probe measured.
 *
 * @param matrices that were measured, with shapes and the sensitivities of the whole sample
 * @param firstHalf the sensitivities of the first half of each task's sample, to tell how stable a choice is
 * @param samples the rows that were measured, by task
 * @param peakMegabytes the most memory that the process had meanwhile, in 1,000,000 bytes
 */
public record Probed(Matrices matrices, Sensitivities firstHalf, Map<String, Integer> samples, double peakMegabytes) {
    /** Of the whole sample. */
    public Sensitivities sensitivities() {
        return matrices.sensitivities();
    }
}
