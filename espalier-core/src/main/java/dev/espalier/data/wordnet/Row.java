package dev.espalier.data.wordnet;

import java.util.List;

/**
 * One row before the split.
 *
 * @param group rows of one group stay on one side of the split
 * @param candidates what a choice task chooses from, the output among them; else empty
 */
record Row(String group, String input, String output, List<String> candidates) {
    /** A row that depends on no other. */
    static Row of(String input, String output) {
        return new Row(input, input, output, List.of());
    }

    /** A row about two texts: whatever else is asked about the same two, in either order, stays on its side. */
    static Row ofPair(String a, String b, String input, String output) {
        return new Row(pair(a, b), input, output, List.of());
    }

    Row inGroup(String other) {
        return new Row(other, input, output, candidates);
    }

    Row choosingFrom(List<String> four) {
        return new Row(group, input, output, four);
    }

    /** The two texts whatever their order. */
    static String pair(String a, String b) {
        return a.compareTo(b) <= 0 ? a + "\n" + b : b + "\n" + a;
    }
}
