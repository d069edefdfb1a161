package dev.espalier.adapter;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.Tensor;

/** Ranks of all modules by their score, the highest first; equal ones in the order they were added. */
final class RankOrder {
    private final List<Scored> scored = new ArrayList<>();

    /** A rank of a module. */
    record Place(String module, int rank) {}

    private record Scored(Place place, double score) {}

    /** Adds those ranks of a module that are {@code alive}. */
    void add(String module, List<Boolean> alive, Tensor scores) {
        for (int rank = 0; rank < alive.size(); rank++) {
            if (alive.get(rank)) {
                add(module, rank, scores.get(rank).item_double());
            }
        }
    }

    /** Adds one rank of a module. */
    void add(String module, int rank, double score) {
        scored.add(new Scored(new Place(module, rank), score));
    }

    Set<Place> best(int count) {
        return scored.stream()
                .sorted(Comparator.comparingDouble(Scored::score).reversed())
                .limit(count)
                .map(Scored::place)
                .collect(Collectors.toSet());
    }
}
