package dev.espalier.study;

import dev.espalier.error.InputException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Which adapters are merged, and what the merges are scored on.
 *
 * @param heldIn tasks that an adapter is trained for, each
 * @param heldOut tasks that none is trained for; may be empty
 * @param counts how many adapters are merged, rising
 * @param draws sets of adapters of each count, all different; of all adapters there is only one
 * @param seed draws them
 */
public record StudyPlan(List<String> heldIn, List<String> heldOut, List<Integer> counts, int draws, long seed) {
    /** After so many there are hardly other sets. */
    private static final int MOST_SHUFFLES = 1000;

    public StudyPlan {
        heldIn = List.copyOf(heldIn);
        heldOut = List.copyOf(heldOut);
        counts = counts.stream().sorted().distinct().toList();
        var names = new HashSet<String>();
        for (var task : Stream.concat(heldIn.stream(), heldOut.stream()).toList()) {
            if (!names.add(task)) {
                throw new InputException("Two tasks are called '" + task + "'; give each a name of its own.");
            }
        }
        if (counts.isEmpty()) {
            throw new InputException("counts is empty; say how many adapters to merge, such as [2, 5].");
        }
        for (var count : counts) {
            if (count < 1 || count > heldIn.size()) {
                throw new InputException("counts has " + count + ", but there are " + heldIn.size()
                        + " held-in tasks with an adapter each; give numbers from 1 to " + heldIn.size() + ".");
            }
        }
        if (draws < 1) {
            throw new InputException("draws is " + draws + "; it must be at least 1.");
        }
    }

    /**
     * The different sets of adapters to merge: fewer than {@link #draws} where there are no more. Each is the beginning of a
     * shuffle of all tasks, the same for all counts, so smaller sets are parts of larger ones as a rule.
     *
     * @param count one of {@link #counts}
     * @return of each draw the tasks, in their usual order
     */
    public List<List<String>> drawn(int count) {
        var sets = new LinkedHashSet<List<String>>();
        for (int shuffle = 0; sets.size() < draws && shuffle < MOST_SHUFFLES; shuffle++) {
            var order = new ArrayList<>(heldIn);
            Collections.shuffle(order, new Random(31 * seed + shuffle));
            var chosen = Set.copyOf(order.subList(0, count));
            sets.add(heldIn.stream().filter(chosen::contains).toList());
        }
        return List.copyOf(sets);
    }
}
