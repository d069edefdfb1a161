package dev.espalier.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/** Means over the steps since the line before: the last one covers fewer steps where the run ends between two lines. */
final class LastWindow {
    private LastWindow() {}

    /** A mean of two windows' means, weighted by their steps. */
    record Mean(int before, int last) {
        double of(double meanBefore, double meanOfLast) {
            return (before * meanBefore + last * meanOfLast) / (before + last);
        }
    }

    /** Makes one line of two. */
    interface Join<T> {
        T of(T before, T last, Mean mean);
    }

    /**
     * The lines, the last two joined if the last covers fewer steps than the one before.
     *
     * @param lines in the order of steps; the first covers all steps up to its own
     */
    static <T> List<T> join(List<T> lines, ToIntFunction<T> step, Join<T> join) {
        int count = lines.size();
        if (count < 2) {
            return lines;
        }
        int end = step.applyAsInt(lines.get(count - 2));
        int start = count < 3 ? 0 : step.applyAsInt(lines.get(count - 3));
        var mean = new Mean(end - start, step.applyAsInt(lines.get(count - 1)) - end);
        if (mean.last() >= mean.before()) {
            return lines;
        }
        var joined = new ArrayList<>(lines.subList(0, count - 2));
        joined.add(join.of(lines.get(count - 2), lines.get(count - 1), mean));
        return List.copyOf(joined);
    }
}
