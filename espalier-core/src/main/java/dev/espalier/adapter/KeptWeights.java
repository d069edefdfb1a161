package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.kernel.SparseMatrix;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How many units, entries or blocks, of each matrix a sparse adapter keeps.
 *
 * @param ratio the share of them, rounded down, one at least
 * @param rank where above 0, what SHiRA keeps instead: {@code rank * (in + out)} entries, as many as LoRA of that rank
 *     trains
 * @param counts what matrices are known to keep, by path; they come before the rest
 */
public record KeptWeights(double ratio, int rank, Map<String, Integer> counts) {
    public KeptWeights {
        if (!(ratio > 0 && ratio <= 1)) {
            throw new InputException("keep-ratio must be above 0 and at most 1, not " + ratio + ".");
        }
        Checks.notNegative("rank", rank);
        counts = Collections.unmodifiableMap(new LinkedHashMap<>(counts));
    }

    public static KeptWeights ratio(double ratio) {
        return new KeptWeights(ratio, 0, Map.of());
    }

    public static KeptWeights rank(int rank) {
        Checks.positive("rank", rank);
        return new KeptWeights(1, rank, Map.of());
    }

    KeptWeights with(Map<String, Integer> counts) {
        return new KeptWeights(ratio, rank, counts);
    }

    /**
     * The units of the matrix at {@code path} that are kept.
     *
     * @param shape {@code [out, in]}
     * @param block the side of a block; 1 for entries
     * @throws InputException if there are not so many
     */
    int of(String path, List<Integer> shape, int block) {
        long out = shape.get(0);
        long in = shape.get(1);
        var known = counts.get(path);
        if (known != null) {
            return known;
        }
        long all = SparseMatrix.units(out, in, block);
        if (rank > 0) {
            long kept = rank * (out + in);
            if (kept > all) {
                throw new InputException("Rank " + rank + " keeps " + kept + " entries of " + path + " " + shape
                        + ", which has " + all + "; lower the rank to " + all / (out + in) + " or less.");
            }
            return Math.toIntExact(kept);
        }
        return share(all);
    }

    /** Of so many units, one at least. */
    int share(long all) {
        return Math.toIntExact(Math.max(1, (long) (ratio * all)));
    }
}
