package dev.espalier.merge;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The entries of changes that are not 0, in the layout of PEFT's SHiRA: {@code shira_weight [n]} and
 * {@code shira_indices [2, n]}, int32, row and column. PEFT wants {@code rank · (in + out)} of every module, so what is
 * missing is filled up with zeros at places that nothing else has; {@code kept} says how many are real. Where a module has
 * no room for that, the folder is Espalier's own and holds the real ones only.
 */
final class SparseEntries {
    /** @param flat places, row by row, int32 {@code [n]} */
    private record Entries(long rows, long columns, Tensor flat, Tensor values) {
        long count() {
            return values.size(0);
        }

        long side() {
            return rows + columns;
        }
    }

    private final Map<String, Entries> entries = new LinkedHashMap<>();

    /**
     * Takes the entries of {@code change}; they are kept for the scope around {@code scope}. A change of nothing has one
     * entry, of 0.
     */
    void add(Scope scope, String module, Tensor change) {
        var flat = change.reshape(-1);
        var places = torch.nonzero(flat).view(-1);
        if (places.size(0) == 0) {
            places = torch.zeros(new long[] {1}, Engine.options(ScalarType.Long));
        }
        var values = torch.index_select(flat, 0, places);
        entries.put(
                module,
                new Entries(change.size(0), change.size(1), scope.keep(places.to(ScalarType.Int)), scope.keep(values)));
    }

    /** The smallest rank with which PEFT has room for all; 0 where a module has less entries than that asks for. */
    private int rank() {
        long rank = entries.values().stream()
                .mapToLong(e -> (e.count() + e.side() - 1) / e.side())
                .max()
                .orElse(1);
        boolean fits = entries.values().stream().allMatch(e -> rank * e.side() <= e.rows * e.columns);
        return fits ? (int) rank : 0;
    }

    String peftType() {
        return rank() > 0 ? "SHIRA" : "ESPALIER_SPARSE";
    }

    /** What the folder's config says beside what all say. */
    Map<String, Object> keys() {
        var kept = new LinkedHashMap<String, Integer>();
        entries.forEach((module, e) -> kept.put(module, (int) e.count()));
        var keys = new LinkedHashMap<String, Object>();
        keys.put("espalier_method", "sparse");
        keys.put("kept", kept);
        if (rank() > 0) {
            keys.put("r", rank());
            keys.put("mask_type", "random");
            keys.put("init_weights", true);
        } else {
            double all = entries.values().stream()
                    .mapToDouble(e -> e.rows * e.columns)
                    .sum();
            double real = entries.values().stream().mapToDouble(Entries::count).sum();
            keys.put("keep_ratio", real / all);
            keys.put("block_size", 0);
            keys.put("scope", "matrix");
            keys.put("layer_drop", false);
        }
        return keys;
    }

    /** The folder's tensors, by what files call them; of the caller's scope. */
    Map<String, Tensor> tensors() {
        int rank = rank();
        var tensors = new LinkedHashMap<String, Tensor>();
        entries.forEach((module, e) -> {
            long missing = rank == 0 ? 0 : rank * e.side() - e.count();
            var flat = missing == 0 ? e.flat : cat(e.flat, unused(e, missing));
            var values = missing == 0
                    ? e.values
                    : cat(e.values, torch.zeros(new long[] {missing}, Engine.options(ScalarType.Float)));
            var divisor = new Scalar((int) e.columns);
            tensors.put(
                    module + ".shira_indices",
                    torch.stack(
                            new TensorVector(torch.floor_divide(flat, divisor), torch.remainder(flat, divisor)), 0));
            tensors.put(module + ".shira_weight", values);
        });
        return tensors;
    }

    private static Tensor cat(Tensor a, Tensor b) {
        return torch.cat(new TensorVector(a, b), 0);
    }

    /** The first places that have no entry. */
    private static Tensor unused(Entries e, long count) {
        try (var scope = Scope.open()) {
            var free = torch.ones(new long[] {e.rows * e.columns}, Engine.options(ScalarType.Bool));
            free.index_fill_(0, e.flat.to(ScalarType.Long), new Scalar(0));
            return scope.keep(free.nonzero().view(-1).narrow(0, 0, count).to(ScalarType.Int));
        }
    }
}
