package dev.espalier.model;

import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Keys and values of the tokens that a decoder has seen, so that the next token costs one token's work. Rows are
 * sequences; a row's tokens need not stand in neighbouring slots, so prompts of unlike lengths may be padded at either
 * side.
 */
public final class KvCache implements AutoCloseable {
    private static final int LEAST_CAPACITY = 64;

    private final Owner owner = new Owner();
    private final List<Entry> layers = new ArrayList<>();
    private int rows;
    /** The position of the token in every slot, {@code [rows][slots]}; {@link TokenOrder#NONE} for padding. */
    private int[][] positions;

    private int[] lengths;

    /** Buffers {@code [rows * heads, capacity, headDim]}. */
    private record Entry(Tensor keys, Tensor values) {}

    /** An empty cache for {@code rows} sequences. */
    public KvCache(int rows) {
        this.rows = rows;
        positions = new int[rows][0];
        lengths = new int[rows];
    }

    /** The sequences. */
    public int rows() {
        return rows;
    }

    /** Slots of a row that are taken, padding included. */
    public int slots() {
        return positions[0].length;
    }

    /** The tokens of {@code row} so far. */
    public int length(int row) {
        return lengths[row];
    }

    boolean isUnpadded() {
        return Arrays.stream(lengths).allMatch(length -> length == slots());
    }

    /** The positions of the next tokens, {@code [rows * tokens]}, {@link TokenOrder#NONE} for padding. */
    int[] nextPositions(Layout layout) {
        if (layout.rows() != rows) {
            throw new IllegalArgumentException("the cache has " + rows + " rows, the pass " + layout.rows());
        }
        var next = new int[rows * layout.tokens()];
        Arrays.fill(next, TokenOrder.NONE);
        for (var segment : layout.segments()) {
            for (int i = 0; i < segment.length(); i++) {
                next[layout.first(segment) + i] = lengths[segment.row()] + i;
            }
        }
        return next;
    }

    /** The positions in all slots once {@code next} are in, {@code [rows * slots]}. */
    int[] allPositions(Layout layout, int[] next) {
        int tokens = layout.tokens();
        int all = slots() + tokens;
        var joined = new int[rows * all];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(positions[row], 0, joined, row * all, slots());
            System.arraycopy(next, row * tokens, joined, row * all + slots(), tokens);
        }
        return joined;
    }

    /**
     * Adds one layer's next keys and values.
     *
     * @param keys {@code [rows * heads, tokens, headDim]}
     * @param values of the same shape
     * @return views of all keys and all values, {@code [rows * heads, slots, headDim]}, of the caller's scope
     */
    Tensor[] append(int layer, Tensor keys, Tensor values) {
        long end = slots() + keys.size(1);
        if (layer == layers.size()) {
            layers.add(new Entry(buffer(keys, end), buffer(values, end)));
        } else if (layers.get(layer).keys.size(1) < end) {
            layers.set(layer, grown(layers.get(layer), end));
        }
        var entry = layers.get(layer);
        entry.keys.narrow(1, slots(), keys.size(1)).copy_(keys);
        entry.values.narrow(1, slots(), values.size(1)).copy_(values);
        return new Tensor[] {entry.keys.narrow(1, 0, end), entry.values.narrow(1, 0, end)};
    }

    private Tensor buffer(Tensor like, long slots) {
        long capacity = Math.max(LEAST_CAPACITY, Long.highestOneBit(2 * slots - 1));
        try (var scope = Scope.open()) {
            return owner.own(torch.empty(new long[] {like.size(0), capacity, like.size(2)}, like.options(), null));
        }
    }

    private Entry grown(Entry old, long slots) {
        var grown = new Entry(buffer(old.keys, slots), buffer(old.values, slots));
        try (var scope = Scope.open()) {
            grown.keys.narrow(1, 0, slots()).copy_(old.keys.narrow(1, 0, slots()));
            grown.values.narrow(1, 0, slots()).copy_(old.values.narrow(1, 0, slots()));
        }
        owner.free(old.keys);
        owner.free(old.values);
        return grown;
    }

    /** Takes note that all layers have added the tokens of {@code layout}. */
    void advance(Layout layout) {
        var next = nextPositions(layout);
        for (int row = 0; row < rows; row++) {
            int before = positions[row].length;
            positions[row] = Arrays.copyOf(positions[row], before + layout.tokens());
            System.arraycopy(next, row * layout.tokens(), positions[row], before, layout.tokens());
        }
        layout.segments().forEach(segment -> lengths[segment.row()] += segment.length());
    }

    /**
     * Lets go of all rows but these, so that sequences that have ended cost nothing. Rows move up within the buffers.
     *
     * @param kept former rows, at least one, ascending; each becomes the row of its place here
     */
    public void keep(int... kept) {
        layers.replaceAll(entry -> new Entry(moved(entry.keys, kept), moved(entry.values, kept)));
        positions = Arrays.stream(kept).mapToObj(row -> positions[row]).toArray(int[][]::new);
        lengths = Arrays.stream(kept).map(row -> lengths[row]).toArray();
        rows = kept.length;
    }

    private Tensor moved(Tensor buffer, int[] kept) {
        long heads = buffer.size(0) / rows;
        try (var scope = Scope.open()) {
            for (int to = 0; to < kept.length; to++) {
                if (kept[to] != to) {
                    var from = buffer.narrow(0, kept[to] * heads, heads).narrow(1, 0, slots());
                    buffer.narrow(0, to * heads, heads).narrow(1, 0, slots()).copy_(from);
                }
            }
            var view = owner.own(buffer.narrow(0, 0, kept.length * heads));
            owner.free(buffer);
            return view;
        }
    }

    /**
     * Forgets the tokens after the first {@code length} of every row, so that other ones can follow.
     *
     * @throws IllegalStateException if rows are padded
     */
    public void truncate(int length) {
        if (!isUnpadded() || length > slots()) {
            throw new IllegalStateException("rows of lengths " + Arrays.toString(lengths) + " in " + slots()
                    + " slots cannot be cut after " + length);
        }
        Arrays.setAll(positions, row -> Arrays.copyOf(positions[row], length));
        Arrays.fill(lengths, length);
    }

    @Override
    public void close() {
        owner.close();
        layers.clear();
    }
}
