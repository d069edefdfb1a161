package dev.espalier.evaluate;

import java.util.LinkedHashMap;
import java.util.Map;

/** The metrics of one set of predictions. */
public interface Scores {
    /** Every metric of this kind of prediction, most telling first; NaN where it is not defined. */
    Map<Metric, Double> values();

    /** Where a metric would lie on other examples of the same kind, for those of which that is known. */
    default Map<Metric, Interval> intervals() {
        return Map.of();
    }

    /** These metrics and then those of {@code other}. */
    default Scores and(Scores other) {
        var values = new LinkedHashMap<>(values());
        values.putAll(other.values());
        var intervals = new LinkedHashMap<>(intervals());
        intervals.putAll(other.intervals());
        return new Scores() {
            @Override
            public Map<Metric, Double> values() {
                return values;
            }

            @Override
            public Map<Metric, Interval> intervals() {
                return intervals;
            }
        };
    }
}
