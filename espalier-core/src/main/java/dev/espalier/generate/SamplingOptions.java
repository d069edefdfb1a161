package dev.espalier.generate;

import dev.espalier.error.InputException;
import java.util.List;
import java.util.Set;

/**
 * How text is generated. {@link #builder()} starts from the defaults, which are greedy.
 *
 * @param temperature logits are divided by it; 0 always takes the likeliest token
 * @param topK only this many likeliest tokens are drawn from; 0 for all
 * @param topP only the likeliest tokens that together have this probability are drawn from (nucleus sampling,
 *     <a href="https://arxiv.org/abs/1904.09751">arXiv:1904.09751</a>); 1 for all
 * @param minP only tokens at least this likely are drawn from, as a share of the likeliest one's probability
 *     (<a href="https://arxiv.org/abs/2407.01082">arXiv:2407.01082</a>); 0 for all
 * @param repetitionPenalty logits of tokens that the row has already, prompt included, are divided by it where positive
 *     and multiplied where negative (<a href="https://arxiv.org/abs/1909.05858">arXiv:1909.05858</a>); 1 for none
 * @param seed of the draws
 * @param maxNewTokens tokens after which a row ends in any case
 * @param stopTokens ids that end a row
 * @param stopStrings texts that end a row; they are not part of the answer
 */
public record SamplingOptions(
        double temperature,
        int topK,
        double topP,
        double minP,
        double repetitionPenalty,
        long seed,
        int maxNewTokens,
        Set<Integer> stopTokens,
        List<String> stopStrings) {
    public static final int DEFAULT_MAX_NEW_TOKENS = 256;

    /** All defaults. */
    public static final SamplingOptions DEFAULT =
            new SamplingOptions(0, 0, 1, 0, 1, 0, DEFAULT_MAX_NEW_TOKENS, Set.of(), List.of());

    /** @throws InputException for a number out of range or an empty stop string; it says which */
    public SamplingOptions {
        require(temperature >= 0 && Double.isFinite(temperature), "temperature", temperature, "at least 0");
        require(topK >= 0, "top-k", topK, "at least 0");
        require(topP >= 0 && topP <= 1, "top-p", topP, "from 0 to 1");
        require(minP >= 0 && minP <= 1, "min-p", minP, "from 0 to 1");
        require(
                repetitionPenalty > 0 && Double.isFinite(repetitionPenalty),
                "repetition-penalty",
                repetitionPenalty,
                "above 0");
        require(maxNewTokens >= 1, "max-new-tokens", maxNewTokens, "at least 1");
        stopTokens = Set.copyOf(stopTokens);
        stopStrings = List.copyOf(stopStrings);
        for (int id : stopTokens) {
            require(id >= 0, "stop-tokens", id, "ids, at least 0");
        }
        if (stopStrings.contains("")) {
            throw new InputException("A stop string is empty, and would end every answer at once; remove it.");
        }
    }

    private static void require(boolean holds, String key, Object value, String range) {
        if (!holds) {
            throw new InputException("The option " + key + " must be " + range + ", not " + value + ".");
        }
    }

    /** Whether the likeliest token is always taken, so that seed and filters do not matter. */
    public boolean greedy() {
        return temperature == 0;
    }

    /** Starts from the defaults. */
    public static Builder builder() {
        return DEFAULT.toBuilder();
    }

    /** Starts from these options. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    /** Sets options by name; what is not set stays as it was. */
    public static final class Builder {
        private double temperature;
        private int topK;
        private double topP;
        private double minP;
        private double repetitionPenalty;
        private long seed;
        private int maxNewTokens;
        private Set<Integer> stopTokens;
        private List<String> stopStrings;

        private Builder(SamplingOptions from) {
            temperature = from.temperature;
            topK = from.topK;
            topP = from.topP;
            minP = from.minP;
            repetitionPenalty = from.repetitionPenalty;
            seed = from.seed;
            maxNewTokens = from.maxNewTokens;
            stopTokens = from.stopTokens;
            stopStrings = from.stopStrings;
        }

        /** What logits are divided by; 0 is greedy. */
        public Builder temperature(double value) {
            temperature = value;
            return this;
        }

        public Builder topK(int value) {
            topK = value;
            return this;
        }

        public Builder topP(double value) {
            topP = value;
            return this;
        }

        public Builder minP(double value) {
            minP = value;
            return this;
        }

        public Builder repetitionPenalty(double value) {
            repetitionPenalty = value;
            return this;
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        public Builder maxNewTokens(int value) {
            maxNewTokens = value;
            return this;
        }

        public Builder stopTokens(Set<Integer> value) {
            stopTokens = value;
            return this;
        }

        public Builder stopStrings(List<String> value) {
            stopStrings = value;
            return this;
        }

        /**
         * The options.
         *
         * @throws InputException for a number out of range or an empty stop string; it says which
         */
        public SamplingOptions build() {
            return new SamplingOptions(
                    temperature, topK, topP, minP, repetitionPenalty, seed, maxNewTokens, stopTokens, stopStrings);
        }
    }
}
