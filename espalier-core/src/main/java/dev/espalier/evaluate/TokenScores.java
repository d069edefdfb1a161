package dev.espalier.evaluate;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How well the next token was predicted, as sums that batches add up to. Tokens without a label count nowhere.
 *
 * @param lossSum sum of the tokens' cross-entropy, in nats
 * @param right tokens whose likeliest prediction is the label
 * @param tokens tokens with a label
 */
public record TokenScores(double lossSum, long right, long tokens) implements Scores {
    /** Nothing counted yet. */
    public static final TokenScores NONE = new TokenScores(0, 0, 0);

    /** Both together: every token weighs the same, whatever batch it was in. */
    public TokenScores plus(TokenScores other) {
        return new TokenScores(lossSum + other.lossSum, right + other.right, tokens + other.tokens);
    }

    /** Mean cross-entropy of a token, in nats; NaN without tokens. */
    public double loss() {
        return lossSum / tokens;
    }

    /** e to the mean cross-entropy: among how many tokens the model wavers; NaN without tokens. */
    public double perplexity() {
        return Math.exp(loss());
    }

    /** Share of tokens that were predicted; NaN without tokens. */
    public double accuracy() {
        return (double) right / tokens;
    }

    @Override
    public Map<Metric, Double> values() {
        Map<Metric, Double> values = new LinkedHashMap<>();
        values.put(Metric.PERPLEXITY, perplexity());
        values.put(Metric.TOKEN_ACCURACY, accuracy());
        return values;
    }
}
