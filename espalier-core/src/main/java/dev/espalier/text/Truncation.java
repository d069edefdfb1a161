package dev.espalier.text;

import dev.espalier.error.InputException;

/**
 * How many tokens of each text stay, by Hugging Face's {@code longest_first}: the longer text is cut to the length of
 * the shorter one, then both alike; an odd place goes to the second text, or to the first if that was the longer.
 *
 * @param first tokens that stay of the first text
 * @param second tokens that stay of the second text
 */
record Truncation(int first, int second) {
    static Truncation longestFirst(int first, int second, int specials, int maxTokens) {
        int room = maxTokens - specials;
        if (room < 1) {
            throw new InputException("At most " + maxTokens + " tokens leave no room for text: the tokenizer adds "
                    + specials + " special tokens; allow at least " + (specials + 1) + ".");
        }
        if (first + second <= room) {
            return new Truncation(first, second);
        }
        int shorter = Math.min(first, second);
        int longer = Math.max(shorter, room - shorter);
        if (shorter + longer > room) {
            shorter = room / 2;
            longer = room - shorter;
        }
        return first > second ? new Truncation(longer, shorter) : new Truncation(shorter, longer);
    }
}
