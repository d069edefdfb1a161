package dev.espalier.routing;

/**
 * Which tokens every expert takes: those that chose it and that it had room for, in order.
 *
 * @param tokens of the first expert, then of the second, and so on; a token stands there once for each expert it goes to
 * @param firsts where an expert's tokens begin, and after the last expert the end, {@code [experts + 1]}
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
public record ExpertTokens(int[] tokens, int[] firsts) {
    /**
     * Sorts choices by expert.
     *
     * @param choices {@code [tokens, slots]}, {@link Selection#NONE} where there is none
     */
    static ExpertTokens of(int[] choices, int slots, int experts) {
        var firsts = new int[experts + 1];
        for (int expert : choices) {
            if (expert != Selection.NONE) {
                firsts[expert + 1]++;
            }
        }
        for (int e = 0; e < experts; e++) {
            firsts[e + 1] += firsts[e];
        }
        var next = firsts.clone();
        var tokens = new int[firsts[experts]];
        for (int slot = 0; slot < choices.length; slot++) {
            if (choices[slot] != Selection.NONE) {
                tokens[next[choices[slot]]++] = slot / slots;
            }
        }
        return new ExpertTokens(tokens, firsts);
    }

    /** How many experts there are. */
    public int experts() {
        return firsts.length - 1;
    }
}
