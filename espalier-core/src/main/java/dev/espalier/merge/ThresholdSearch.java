package dev.espalier.merge;

import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;

/**
 * Finds the {@code k}-th largest magnitude of numbers that are never all there at once, exactly, by counting them twice: the
 * upper 16 bits of a positive float order it coarsely, and of the bin in which the {@code k}-th lies the lower 16 bits do the
 * rest. Equal numbers fall into the same bin.
 */
final class ThresholdSearch {
    private static final int BITS = 16;
    private static final int BINS = 1 << BITS;
    /** Numbers that one thread copies to the heap at a time. */
    private static final int CHUNK = 1 << 14;

    private final long[] coarse = new long[BINS / 2];
    private final Map<Integer, long[]> fine = new LinkedHashMap<>();
    private boolean refining;

    /** Counts {@code values}, fp32, of any shape: all of them once before {@link #refine} and once after it. */
    void count(Tensor values) {
        try (var scope = Scope.open()) {
            var contiguous = values.contiguous();
            long numbers = contiguous.numel();
            long address = contiguous.data_ptr().address();
            int parts = (int) Math.min(Runtime.getRuntime().availableProcessors(), 1 + numbers / (4L * CHUNK));
            long each = (numbers + parts - 1) / Math.max(1, parts);
            IntStream.range(0, parts)
                    .parallel()
                    .forEach(part -> count(address, part * each, Math.min(numbers, (part + 1) * each)));
        }
    }

    private void count(long address, long from, long to) {
        try (var scope = Scope.open()) {
            var memory = new Floats(address, to);
            var chunk = new float[CHUNK];
            var all = new int[refining ? 0 : BINS / 2];
            Map<Integer, int[]> inBins = new LinkedHashMap<>();
            fine.keySet().forEach(bin -> inBins.put(bin, new int[BINS]));
            for (long position = from; position < to; position += CHUNK) {
                int length = (int) Math.min(CHUNK, to - position);
                memory.position(position).get(chunk, 0, length);
                if (refining) {
                    inBins.forEach((bin, counts) -> countFine(chunk, length, bin, counts));
                } else {
                    countCoarse(chunk, length, all);
                }
            }
            synchronized (this) {
                add(coarse, all);
                inBins.forEach((bin, counts) -> add(Objects.requireNonNull(fine.get(bin)), counts));
            }
        }
    }

    private static void countCoarse(float[] values, int length, int[] counts) {
        for (int i = 0; i < length; i++) {
            counts[(Float.floatToRawIntBits(values[i]) & Integer.MAX_VALUE) >>> BITS]++;
        }
    }

    private static void countFine(float[] values, int length, int bin, int[] counts) {
        for (int i = 0; i < length; i++) {
            int bits = Float.floatToRawIntBits(values[i]) & Integer.MAX_VALUE;
            if (bits >>> BITS == bin) {
                counts[bits & (BINS - 1)]++;
            }
        }
    }

    private static void add(long[] sums, int[] counts) {
        for (int i = 0; i < counts.length; i++) {
            sums[i] += counts[i];
        }
    }

    /** Ends the first count; the second is for the {@code ks}-th largest, each from 1 to the count of all; 0 for none. */
    void refine(List<Long> ks) {
        refining = true;
        ks.stream().filter(k -> k > 0).forEach(k -> fine.put(place(coarse, k).bin, new long[BINS]));
    }

    /** What the {@code k} largest are, one of those that {@link #refine} was told. */
    Threshold threshold(long k) {
        if (k == 0) {
            return Threshold.NONE;
        }
        var upper = place(coarse, k);
        var counts = fine.getOrDefault(upper.bin, new long[BINS]);
        var lower = place(counts, k - upper.above);
        float value = Float.intBitsToFloat(upper.bin << BITS | lower.bin);
        return new Threshold(value, k - upper.above - lower.above, counts[lower.bin]);
    }

    /** @param above how many lie in the bins above */
    private record Place(int bin, long above) {}

    private static Place place(long[] counts, long k) {
        long above = 0;
        for (int bin = counts.length - 1; bin > 0; bin--) {
            if (above + counts[bin] >= k) {
                return new Place(bin, above);
            }
            above += counts[bin];
        }
        return new Place(0, above);
    }

    /** What the {@code ks} largest numbers of {@code values} are. */
    static List<Threshold> of(Tensor values, List<Long> ks) {
        var search = new ThresholdSearch();
        search.count(values);
        search.refine(ks);
        search.count(values);
        var found = new ArrayList<Threshold>();
        ks.forEach(k -> found.add(search.threshold(k)));
        return found;
    }

    /** Numbers in native memory that somebody else owns. */
    private static final class Floats extends FloatPointer {
        Floats(long address, long capacity) {
            this.address = address;
            capacity(capacity);
        }
    }
}
