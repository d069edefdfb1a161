package dev.espalier.evaluate;

import java.text.Normalizer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * How well texts were generated. Without examples both are NaN.
 *
 * @param exactMatch share of answers that are the reference, after Unicode's NFC and with every run of white space taken
 *     as one space and none at the ends; case and punctuation count
 * @param rougeL mean over examples of {@link RougeL#f1}
 */
public record TextScores(double exactMatch, double rougeL) implements Scores {
    private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

    /**
     * @param truth the reference of each example
     * @param generated the answer to each
     */
    public static TextScores of(List<String> truth, List<String> generated) {
        if (truth.size() != generated.size()) {
            throw new IllegalArgumentException(truth.size() + " references, but " + generated.size() + " answers.");
        }
        return new TextScores(
                IntStream.range(0, truth.size())
                        .mapToDouble(i -> normalised(truth.get(i)).equals(normalised(generated.get(i))) ? 1 : 0)
                        .average()
                        .orElse(Double.NaN),
                IntStream.range(0, truth.size())
                        .mapToDouble(
                                i -> RougeL.of(truth.get(i), generated.get(i)).f1())
                        .average()
                        .orElse(Double.NaN));
    }

    private static String normalised(String text) {
        return SPACE.matcher(Normalizer.normalize(text, Normalizer.Form.NFC))
                .replaceAll(" ")
                .strip();
    }

    @Override
    public Map<Metric, Double> values() {
        Map<Metric, Double> values = new LinkedHashMap<>();
        values.put(Metric.EXACT_MATCH, exactMatch);
        values.put(Metric.ROUGE_L, rougeL);
        return values;
    }
}
