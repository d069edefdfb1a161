package dev.espalier.data.wordnet;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;

/** Random choices that several tasks make. */
final class Draw {
    /** Draws for one item before it is given up: nearly everything that is drawn is fit. */
    private static final int ATTEMPTS = 50;

    private Draw() {}

    static <T> T one(List<T> from, Random random) {
        return from.get(random.nextInt(from.size()));
    }

    static <T> List<T> shuffled(List<T> list, Random random) {
        var copy = new ArrayList<>(list);
        Collections.shuffle(copy, random);
        return copy;
    }

    /** At most {@code count} of {@code from}, in random order. */
    static <T> List<T> some(List<T> from, int count, Random random) {
        return shuffled(from, random).subList(0, Math.min(count, from.size()));
    }

    /** One that {@code fits}, unless the attempts run out. */
    static <T> Optional<T> fitting(List<T> from, Predicate<T> fits, Random random) {
        for (var attempt = 0; attempt < ATTEMPTS; attempt++) {
            var drawn = one(from, random);
            if (fits.test(drawn)) {
                return Optional.of(drawn);
            }
        }
        return Optional.empty();
    }

    /** The right answer and three others that {@code fit}, shuffled; empty unless there are three. */
    static <T> Optional<List<T>> four(T right, List<T> from, Predicate<T> fits, Random random) {
        Set<T> four = new LinkedHashSet<>(List.of(right));
        while (four.size() < 4) {
            var other = fitting(from, drawn -> !four.contains(drawn) && fits.test(drawn), random);
            if (other.isEmpty()) {
                return Optional.empty();
            }
            four.add(other.get());
        }
        return Optional.of(shuffled(List.copyOf(four), random));
    }
}
