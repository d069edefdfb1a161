package dev.espalier.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * The training batches of a run. An epoch shows every example of every task once: a task's examples are shuffled, within
 * windows of several batches sorted by length, cut into batches, and the batches of all tasks are shuffled together, so
 * tasks come up in proportion to their size and every batch is of one task. The epoch's order depends on seed, epoch,
 * lengths and batch size only, so (epoch, batch) is all a resumed run must know. Without sorting, rows of any lengths
 * come together, as plain implementations have it.
 */
public final class Batcher {
    /**
     * Batches that are sorted together at most, and windows an epoch has at least: as Hugging Face's length-grouped
     * sampler, enough to save nearly all padding and few enough to keep batches varied.
     */
    private static final int MOST_WINDOW = 50;

    private static final int LEAST_WINDOWS = 4;

    private final List<List<List<EncodedExample>>> tasks;
    private final Shape shape;
    private final long seed;
    private final int padId;
    private int plannedEpoch = -1;
    private List<Planned> plan = List.of();

    private record Planned(int task, int[] places) {}

    /**
     * What a batch is.
     *
     * @param rows of a batch; a task's last batch may have fewer
     * @param likeLengths whether rows of like lengths come together
     * @param leastTokens that every row keeps with its padding, or as many as the longest has; 0 where padding may go
     */
    public record Shape(int rows, boolean likeLengths, int leastTokens) {
        /** Rows of like lengths, without padding that is of no use. */
        public static Shape of(int rows) {
            return new Shape(rows, true, 0);
        }
    }

    /**
     * Batches of rows, which are shuffled and stay as they are.
     *
     * @param tasks the rows of each task, such as {@link #alone} and {@link Packing#pack} give them
     * @param seed the run's seed
     * @param padId the token id of the padding
     */
    public Batcher(List<List<List<EncodedExample>>> tasks, Shape shape, long seed, int padId) {
        this.tasks = tasks.stream().map(List::copyOf).toList();
        this.shape = shape;
        this.seed = seed;
        this.padId = padId;
    }

    /** Each example as a row of its own. */
    public static List<List<EncodedExample>> alone(List<EncodedExample> examples) {
        return examples.stream().map(List::of).toList();
    }

    /** The number of batches of every epoch. */
    public int batchesPerEpoch() {
        return tasks.stream()
                .mapToInt(rows -> (rows.size() + shape.rows() - 1) / shape.rows())
                .sum();
    }

    /**
     * A batch of an epoch.
     *
     * @param epoch from 0
     * @param index from 0 to {@link #batchesPerEpoch()}, exclusive
     */
    public synchronized Batch batch(int epoch, int index) {
        if (epoch != plannedEpoch) {
            plan = plan(epoch);
            plannedEpoch = epoch;
        }
        var planned = plan.get(index);
        var rows = tasks.get(planned.task());
        var chosen = Arrays.stream(planned.places()).mapToObj(rows::get).toList();
        return chosen.stream().allMatch(row -> row.size() == 1)
                ? Batch.of(chosen.stream().map(row -> row.get(0)).toList(), padId, shape.leastTokens())
                : Batch.packed(chosen, padId, shape.leastTokens());
    }

    /**
     * Batches for an evaluation: sorted by length, longest first, made one at a time.
     *
     * @param batchSize rows at most
     * @param mostTokens tokens at most, padding included, unless one row has more
     */
    public static Iterable<Batch> inLengthOrder(
            List<EncodedExample> examples, int batchSize, int mostTokens, int padId) {
        var sorted = examples.stream()
                .sorted(Comparator.comparingInt(example -> -example.length()))
                .toList();
        IntUnaryOperator end = start -> Math.min(
                sorted.size(),
                start
                        + Math.max(
                                1,
                                Math.min(
                                        batchSize,
                                        mostTokens / sorted.get(start).length())));
        return () -> IntStream.iterate(0, start -> start < sorted.size(), end)
                .mapToObj(start -> Batch.of(sorted.subList(start, end.applyAsInt(start)), padId))
                .iterator();
    }

    private List<Planned> plan(int epoch) {
        var random = new SplittableRandom(seed);
        for (int next = 0; next <= epoch; next++) {
            random = random.split();
        }
        var batches = new ArrayList<Planned>();
        for (int task = 0; task < tasks.size(); task++) {
            for (var places : cut(tasks.get(task), random)) {
                batches.add(new Planned(task, places));
            }
        }
        return Arrays.stream(Shuffle.order(batches.size(), random))
                .mapToObj(batches::get)
                .toList();
    }

    private List<int[]> cut(List<List<EncodedExample>> rows, SplittableRandom random) {
        int size = rows.size();
        var order = Shuffle.order(size, random);
        int batchSize = shape.rows();
        int batchesOfWindow =
                shape.likeLengths() ? Math.max(1, Math.min(MOST_WINDOW, size / (batchSize * LEAST_WINDOWS))) : 1;
        int window = batchesOfWindow * batchSize;
        var batches = new ArrayList<int[]>();
        for (int from = 0; from < size; from += window) {
            var sorted = Arrays.stream(order, from, Math.min(from + window, size))
                    .boxed()
                    .sorted(Comparator.comparingInt(place -> -Packing.length(rows.get(place))))
                    .mapToInt(Integer::intValue)
                    .toArray();
            for (int start = 0; start < sorted.length; start += batchSize) {
                batches.add(Arrays.copyOfRange(sorted, start, Math.min(start + batchSize, sorted.length)));
            }
        }
        return batches;
    }
}
