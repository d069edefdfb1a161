package dev.espalier.bench;

import dev.espalier.tensor.Profile.Part;
import java.util.EnumMap;
import java.util.Map;

/**
 * Floating-point operations that a training step requires, two for a multiply-add. Work that an implementation does beyond
 * that does not count.
 *
 * @param linearsForward frozen linears
 * @param linearsBackward their inputs' gradients where something below trains
 * @param attention scores and values, forward and backward
 * @param adapter forward and backward
 * @param head at its labels, forward and backward
 */
public record Work(double linearsForward, double linearsBackward, double attention, double adapter, double head) {
    /** Of so many passes. */
    public Work times(double passes) {
        return new Work(
                passes * linearsForward, passes * linearsBackward, passes * attention, passes * adapter, passes * head);
    }

    /** All together. */
    public double sum() {
        return linearsForward + linearsBackward + attention + adapter + head;
    }

    /** By the part that does it. */
    public Map<Part, Double> byPart() {
        var parts = new EnumMap<Part, Double>(Part.class);
        parts.put(Part.LINEAR, linearsForward + linearsBackward);
        parts.put(Part.ATTENTION, attention);
        parts.put(Part.ADAPTER, adapter);
        parts.put(Part.HEAD_AND_LOSS, head);
        return parts;
    }
}
