package dev.espalier.evaluate;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How well the next token was predicted. Every token with a label weighs the same, whatever text it is in.
 *
 * @param texts one for each example
 */
public record TokenScores(List<Text> texts) implements Scores {
    /**
     * The sums of one text.
     *
     * @param lossSum sum of the tokens' cross-entropy, in nats
     * @param right tokens whose likeliest prediction is the label
     * @param tokens tokens with a label
     */
    public record Text(double lossSum, long right, long tokens) {}

    public TokenScores {
        texts = List.copyOf(texts);
    }

    /** Tokens with a label. */
    public long tokens() {
        return texts.stream().mapToLong(Text::tokens).sum();
    }

    /** Mean cross-entropy of a token, in nats; NaN without tokens. */
    public double loss() {
        return texts.stream().mapToDouble(Text::lossSum).sum() / tokens();
    }

    /** e to the mean cross-entropy: among how many tokens the model wavers; NaN without tokens. */
    public double perplexity() {
        return Math.exp(loss());
    }

    /** Of {@link #perplexity}: tokens of a text hang together, so that texts are what was drawn at random. */
    public Interval perplexityInterval() {
        var loss = Interval.ofRatio(
                texts.stream().mapToDouble(Text::lossSum).toArray(),
                texts.stream().mapToDouble(Text::tokens).toArray());
        return new Interval(Math.exp(loss.low()), Math.exp(loss.high()));
    }

    /** Share of tokens that were predicted; NaN without tokens. */
    public double accuracy() {
        return (double) texts.stream().mapToLong(Text::right).sum() / tokens();
    }

    @Override
    public Map<Metric, Double> values() {
        Map<Metric, Double> values = new LinkedHashMap<>();
        values.put(Metric.PERPLEXITY, perplexity());
        values.put(Metric.TOKEN_ACCURACY, accuracy());
        return values;
    }

    @Override
    public Map<Metric, Interval> intervals() {
        return Map.of(Metric.PERPLEXITY, perplexityInterval());
    }
}
