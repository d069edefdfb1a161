package dev.espalier.tensor;

import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;

/**
 * Where the time of training goes and what passes keep for backward, by part. Time counts for the innermost part that is
 * open, but for parts that are counted whole. Looking at the clock at the borders of parts is all it costs.
 *
 * <p>A profile is filled by one thread at a time; those of several threads are {@link #add added} to one.
 */
public final class Profile {
    /** What a step consists of. */
    public enum Part {
        EMBEDDING("embedding", false),
        LINEAR("frozen linears", false),
        ATTENTION("attention", false),
        NORM_AND_ACTIVATION("norms, activations, residuals", false),
        /** Deltas and routers, with all that they call. */
        ADAPTER("adapter", true),
        /** The head with its linears, the loss and the logits. */
        HEAD_AND_LOSS("head and loss", true),
        OPTIMIZER("optimizer", true),
        /** Reading, tokenizing and batching. */
        DATA("data", true),
        /** What a pass does between the others. */
        OTHER("other", false);

        private final String title;
        private final boolean whole;

        Part(String title, boolean whole) {
            this.title = title;
            this.whole = whole;
        }

        /** Its name in tables. */
        public String title() {
            return title;
        }
    }

    /**
     * What a part took.
     *
     * @param forwardSeconds in forward passes and outside of passes
     * @param backwardSeconds in backward passes
     * @param keptBytes of tensors that it keeps for backward, when all parts together keep most
     */
    public record Usage(double forwardSeconds, double backwardSeconds, long keptBytes) {
        public double seconds() {
            return forwardSeconds + backwardSeconds;
        }
    }

    private static final double NANOS = 1e9;

    private record Kept(Part part, long bytes, int times) {}

    private final long[] forward = new long[Part.values().length];
    private final long[] backward = new long[Part.values().length];
    private final long[] kept = new long[Part.values().length];
    private long[] keptAtMost = new long[Part.values().length];
    private final Map<Long, Kept> storages = new HashMap<>();
    private long keptInAll;
    private long mostInAll;
    private Part current = Part.OTHER;
    private boolean runsBackward;
    private boolean runs;
    private long since;

    /** Begins to count, {@link Part#OTHER} until a part is entered; a pass that failed before leaves nothing open. */
    public void start() {
        runs = true;
        runsBackward = false;
        current = Part.OTHER;
        since = System.nanoTime();
    }

    /** Counts no longer. */
    public void stop() {
        count();
        runs = false;
    }

    /** Takes the time of {@code work}, which is not part of a pass, for {@code part}. */
    public <T> T measure(Part part, Supplier<T> work) {
        start();
        current = part;
        try {
            return work.get();
        } finally {
            stop();
        }
    }

    /** From here on time counts for {@code part}, unless one that is counted whole is open; what was open before. */
    Part enter(Part part) {
        var before = current;
        if (!before.whole) {
            count();
            current = part;
        }
        return before;
    }

    /** Time counts for {@code before} again. */
    void leave(Part before) {
        count();
        current = before;
    }

    Part current() {
        return current;
    }

    /** Whether a backward pass runs from here on; what was so before. */
    boolean backward(boolean given) {
        count();
        var before = runsBackward;
        runsBackward = given;
        return before;
    }

    private void count() {
        long now = System.nanoTime();
        if (runs) {
            (runsBackward ? backward : forward)[current.ordinal()] += now - since;
        }
        since = now;
    }

    /** {@code tensor} is kept for backward; memory that several tensors share counts once. */
    void keep(Tensor tensor) {
        var storage = tensor.storage();
        long bytes = storage.nbytes();
        var kept = storages.merge(
                storage.data().address(),
                new Kept(current, bytes, 1),
                (old, fresh) -> new Kept(old.part, old.bytes, old.times + 1));
        if (kept.times == 1) {
            this.kept[current.ordinal()] += bytes;
            keptInAll += bytes;
            if (keptInAll > mostInAll) {
                mostInAll = keptInAll;
                keptAtMost = this.kept.clone();
            }
        }
    }

    /** {@code tensor} is kept no longer. */
    void free(Tensor tensor) {
        storages.computeIfPresent(tensor.storage().data().address(), (address, kept) -> {
            if (kept.times > 1) {
                return new Kept(kept.part, kept.bytes, kept.times - 1);
            }
            this.kept[kept.part.ordinal()] -= kept.bytes;
            keptInAll -= kept.bytes;
            return null;
        });
    }

    /** Adds what {@code other} has measured; both may keep things at the same time. */
    public void add(Profile other) {
        for (int i = 0; i < forward.length; i++) {
            forward[i] += other.forward[i];
            backward[i] += other.backward[i];
            keptAtMost[i] += other.keptAtMost[i];
        }
        mostInAll += other.mostInAll;
    }

    /** What every part took so far that took anything. */
    public Map<Part, Usage> usages() {
        var usages = new EnumMap<Part, Usage>(Part.class);
        for (var part : Part.values()) {
            int i = part.ordinal();
            if (forward[i] + backward[i] + keptAtMost[i] > 0) {
                usages.put(part, new Usage(forward[i] / NANOS, backward[i] / NANOS, keptAtMost[i]));
            }
        }
        return Collections.unmodifiableMap(usages);
    }
}
