package dev.espalier.evaluate;

import java.util.LinkedHashMap;
import java.util.Map;

/** The metrics of one set of predictions. */
public interface Scores {
    /** Every metric of this kind of prediction, most telling first; NaN where it is not defined. */
    Map<Metric, Double> values();

    /** These metrics and then those of {@code other}. */
    default Scores and(Scores other) {
        return () -> {
            var joined = new LinkedHashMap<>(values());
            joined.putAll(other.values());
            return joined;
        };
    }
}
