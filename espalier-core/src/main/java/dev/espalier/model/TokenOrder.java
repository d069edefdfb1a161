package dev.espalier.model;

import dev.espalier.tensor.Layout;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Which keys a query may see: those of its own sequence that do not come after it, and within the layer's window. Queries
 * are the tokens of the pass, keys are those of the cache, if there is one, and then the queries' own.
 */
final class TokenOrder {
    /** Stands for keys and queries that are padding. */
    static final int NONE = -1;

    private static final float HIDDEN = -1e30f;

    private final int rows;
    private final int queries;
    private final int keys;
    private final int[] queryPositions;
    private final int[] querySequences;
    private final int[] keyPositions;
    private final int[] keySequences;
    private final boolean sameInAllRows;

    private TokenOrder(
            int rows,
            int[] queryPositions,
            int[] querySequences,
            int[] keyPositions,
            int[] keySequences,
            boolean sameInAllRows) {
        this.rows = rows;
        this.queryPositions = queryPositions;
        this.querySequences = querySequences;
        this.keyPositions = keyPositions;
        this.keySequences = keySequences;
        this.sameInAllRows = sameInAllRows;
        queries = queryPositions.length / rows;
        keys = keyPositions.length / rows;
    }

    static TokenOrder of(Layout layout, @Nullable KvCache cache) {
        var sequences = layout.segmentOfToken();
        if (cache == null) {
            var positions = layout.positions();
            return new TokenOrder(layout.rows(), positions, sequences, positions, sequences, layout.unpadded());
        }
        if (!layout.unpacked()) {
            throw new IllegalArgumentException("a cached pass has one sequence in a row");
        }
        for (int i = 0; i < sequences.length; i++) {
            sequences[i] = sequences[i] == NONE ? NONE : i / layout.tokens();
        }
        var positions = cache.nextPositions(layout);
        var all = cache.allPositions(layout, positions);
        int slots = all.length / layout.rows();
        var keySequences = new int[all.length];
        for (int i = 0; i < all.length; i++) {
            keySequences[i] = all[i] == NONE ? NONE : i / slots;
        }
        return new TokenOrder(
                layout.rows(), positions, sequences, all, keySequences, layout.unpadded() && cache.isUnpadded());
    }

    /** Keys of a row. */
    int keys() {
        return keys;
    }

    /** The position of the token at {@code place} of {@code rows * tokens}; 0 for padding. */
    int queryPosition(int place) {
        return Math.max(0, queryPositions[place]);
    }

    /** The positions of all tokens of the pass; 0 for padding, {@code [rows * tokens]}. */
    long[] positions() {
        return Arrays.stream(queryPositions)
                .mapToLong(position -> Math.max(0, position))
                .toArray();
    }

    /** The tokens of the longest sequence so far. */
    int longest() {
        return Arrays.stream(queryPositions).max().orElse(0) + 1;
    }

    /** Whether rows have the same positions and see the same keys. */
    boolean sameInAllRows() {
        return sameInAllRows;
    }

    /** Whether every query sees every key. */
    boolean seesAll(int window) {
        return sameInAllRows && queries == 1 && (window == 0 || keys <= window);
    }

    /**
     * What to add to scores: 0 where a query sees a key, a number that no score outweighs where not. A query of the
     * padding sees nothing, and all keys alike: its result is finite and nobody reads it.
     *
     * @param window how many tokens back a query sees, itself included; 0 for all
     * @return {@code [rows or 1, tokens, keys]}, fp32
     */
    Tensor mask(int window) {
        int count = sameInAllRows ? 1 : rows;
        var values = new float[count * queries * keys];
        for (int row = 0; row < count; row++) {
            for (int q = row * queries; q < (row + 1) * queries; q++) {
                int from = q * keys;
                for (int k = 0; k < keys; k++) {
                    int key = row * keys + k;
                    int back = queryPositions[q] - keyPositions[key];
                    boolean seen = querySequences[q] != NONE
                            && querySequences[q] == keySequences[key]
                            && back >= 0
                            && (window == 0 || back < window);
                    values[from + k] = seen ? 0 : HIDDEN;
                }
            }
        }
        return torch.tensor(values).view(count, queries, keys);
    }
}
