package dev.espalier.study;

import dev.espalier.error.InputException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Which adapters are merged, and what the merges are scored on.
 *
 * @param heldIn tasks that an adapter is trained for, each
 * @param heldOut tasks that none is trained for; may be empty
 * @param counts how many adapters are merged, rising
 * @param draws sets of adapters of each count; those of all adapters there is only one of
 * @param seed draws them
 */
public record StudyPlan(List<String> heldIn, List<String> heldOut, List<Integer> counts, int draws, long seed) {
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
     * The sets of adapters to merge. Each draw shuffles all tasks once, so its smaller sets are parts of its larger ones.
     *
     * @param count one of {@link #counts}
     * @return of each draw the tasks, in their usual order
     */
    public List<List<String>> drawn(int count) {
        return IntStream.range(0, count == heldIn.size() ? 1 : draws)
                .mapToObj(draw -> {
                    var order = new ArrayList<>(heldIn);
                    Collections.shuffle(order, new Random(31 * seed + draw));
                    var chosen = order.subList(0, count);
                    return heldIn.stream().filter(chosen::contains).toList();
                })
                .toList();
    }
}
