package dev.espalier.error;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** The known names nearest to one that is not known, for messages that help. */
public final class Nearest {
    private Nearest() {}

    /** The nearest, if at most half of the longer of the two names must be changed to make one of the other. */
    public static Optional<String> near(String name, Collection<String> known) {
        return to(name, known, 1).stream()
                .filter(nearest -> 2 * LevenshteinDistance.getDefaultInstance().apply(name, nearest)
                        <= Math.max(name.length(), nearest.length()))
                .findFirst();
    }

    /** At most {@code count} of {@code known}, nearest to {@code name} first (edit distance, then alphabet). */
    public static List<String> to(String name, Collection<String> known, int count) {
        var distance = LevenshteinDistance.getDefaultInstance();
        return known.stream()
                .distinct()
                .sorted(Comparator.<String>comparingInt(k -> distance.apply(name, k))
                        .thenComparing(Comparator.naturalOrder()))
                .limit(count)
                .toList();
    }
}
