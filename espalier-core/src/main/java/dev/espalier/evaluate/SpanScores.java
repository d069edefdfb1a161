package dev.espalier.evaluate;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How well words were labelled.
 *
 * @param precision share of predicted spans that are true ones, type and both borders; 0 where none is predicted
 * @param recall share of true spans that were predicted; 0 where there are none
 * @param f1 harmonic mean of the two; 0 where no span is found
 * @param accuracy share of words with the right tag; NaN without words
 */
public record SpanScores(double precision, double recall, double f1, double accuracy) implements Scores {
    /**
     * @param truth a tag for each word of each sequence; see {@link Span#of}
     * @param predicted of the same shape
     */
    public static SpanScores of(List<List<String>> truth, List<List<String>> predicted) {
        if (truth.size() != predicted.size()) {
            throw new IllegalArgumentException(
                    truth.size() + " true sequences, but " + predicted.size() + " predictions.");
        }
        long trueSpans = 0;
        long predictedSpans = 0;
        long found = 0;
        long words = 0;
        long rightWords = 0;
        for (int i = 0; i < truth.size(); i++) {
            var is = truth.get(i);
            var said = predicted.get(i);
            if (is.size() != said.size()) {
                throw new IllegalArgumentException(
                        "Sequence " + i + " has " + is.size() + " words, but " + said.size() + " predicted tags.");
            }
            var expected = new HashSet<>(Span.of(is));
            var spans = Span.of(said);
            trueSpans += expected.size();
            predictedSpans += spans.size();
            found += spans.stream().filter(expected::contains).count();
            for (int word = 0; word < is.size(); word++) {
                words++;
                rightWords += is.get(word).equals(said.get(word)) ? 1 : 0;
            }
        }
        return new SpanScores(
                predictedSpans == 0 ? 0 : (double) found / predictedSpans,
                trueSpans == 0 ? 0 : (double) found / trueSpans,
                found == 0 ? 0 : 2.0 * found / (trueSpans + predictedSpans),
                (double) rightWords / words);
    }

    @Override
    public Map<Metric, Double> values() {
        Map<Metric, Double> values = new LinkedHashMap<>();
        values.put(Metric.SPAN_F1, f1);
        values.put(Metric.ACCURACY, accuracy);
        return values;
    }
}
