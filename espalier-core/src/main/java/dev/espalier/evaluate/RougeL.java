package dev.espalier.evaluate;

import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * ROUGE-L of one answer: the longest common subsequence of words (Lin, "ROUGE: A Package for Automatic Evaluation of
 * Summaries", 2004). Words are runs of {@code a} to {@code z} and digits in the lower-cased text, without stemming, as
 * in the Python package rouge_score; a text in another script has no words by that rule.
 *
 * @param precision share of the answer's words that are in the subsequence; 0 where either text has no words
 * @param recall share of the reference's words that are in the subsequence; 0 where either text has no words
 */
public record RougeL(double precision, double recall) {
    private static final Pattern WORD = Pattern.compile("[a-z0-9]+");

    /** Compares {@code answer} with {@code reference}. */
    public static RougeL of(String reference, String answer) {
        var expected = words(reference);
        var given = words(answer);
        if (expected.isEmpty() || given.isEmpty()) {
            return new RougeL(0, 0);
        }
        double common = longestCommonSubsequence(expected, given);
        return new RougeL(common / given.size(), common / expected.size());
    }

    /** The harmonic mean of precision and recall; 0 where no word is common. */
    public double f1() {
        return precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
    }

    private static List<String> words(String text) {
        return WORD.matcher(text.toLowerCase(Locale.ROOT))
                .results()
                .map(MatchResult::group)
                .toList();
    }

    private static int longestCommonSubsequence(List<String> a, List<String> b) {
        var lengths = new int[b.size() + 1]; // for a's words so far and each beginning of b
        for (var word : a) {
            int diagonal = 0;
            for (int j = 1; j < lengths.length; j++) {
                int above = lengths[j];
                lengths[j] = word.equals(b.get(j - 1)) ? diagonal + 1 : Math.max(above, lengths[j - 1]);
                diagonal = above;
            }
        }
        return lengths[b.size()];
    }
}
