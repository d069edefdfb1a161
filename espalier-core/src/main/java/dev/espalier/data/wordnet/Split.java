package dev.espalier.data.wordnet;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/** The rules that every built-in task keeps when its rows are chosen and parted. */
record Split(List<Row> test, List<Row> train) {
    static final int MAX_TEST = 500;
    static final int MAX_TRAIN = 4000;
    static final int MAX_ROWS_PER_LABEL = 1500;
    static final int MIN_CHARACTERS = 3;
    static final int MAX_CHARACTERS = 400;

    /**
     * Draws from {@code pool} at random: inputs are unique and of fit length, and no label has more than
     * {@code rowsPerLabel} of the rows drawn, so labels are as frequent as in the pool up to that. Of n rows
     * min(500, n/6) are for the test and at most 4000 of the others for training. A group is never parted.
     */
    static Split of(List<Row> pool, int rowsPerLabel, Random random) {
        var rows = choose(pool, rowsPerLabel, random);
        Map<String, List<Row>> groups = new LinkedHashMap<>();
        rows.forEach(row ->
                groups.computeIfAbsent(row.group(), g -> new ArrayList<>(1)).add(row));
        var testRows = Math.min(MAX_TEST, rows.size() / 6);
        var split = new Split(new ArrayList<>(), new ArrayList<>());
        for (var group : groups.values()) {
            if (split.test.size() + group.size() <= testRows) {
                split.test.addAll(group);
            } else if (split.train.size() + group.size() <= MAX_TRAIN) {
                split.train.addAll(group);
            }
        }
        // The rows of one group would otherwise stand together.
        Collections.shuffle(split.test, random);
        Collections.shuffle(split.train, random);
        return split;
    }

    private static List<Row> choose(List<Row> pool, int rowsPerLabel, Random random) {
        var shuffled = new ArrayList<>(pool);
        Collections.shuffle(shuffled, random);
        Set<String> inputs = new HashSet<>();
        Map<String, Integer> counts = new HashMap<>();
        var chosen = new ArrayList<Row>();
        for (var row : shuffled) {
            if (chosen.size() == MAX_TEST + MAX_TRAIN) {
                break;
            }
            var length = row.input().length();
            if (length >= MIN_CHARACTERS
                    && length <= MAX_CHARACTERS
                    && counts.getOrDefault(row.output(), 0) < rowsPerLabel
                    && inputs.add(row.input())) {
                counts.merge(row.output(), 1, Integer::sum);
                chosen.add(row);
            }
        }
        // Again, or what comes late would hold fewer rows of the full labels than what comes early.
        Collections.shuffle(chosen, random);
        return chosen;
    }
}
