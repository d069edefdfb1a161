package dev.espalier.adapter;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Chooses which units of each matrix are kept, from the scores of one matrix after another: of those before only the best
 * are held. As many units win as there are places, also where scores are equal.
 */
final class TopUnits implements AutoCloseable {
    private final SparseSpec spec;
    private final Owner owner = new Owner();
    private final Map<String, Tensor> ofMatrix = new LinkedHashMap<>();
    private final Map<String, List<Integer>> shapes;
    private final List<String> order = new ArrayList<>();
    private final long limit;
    private long seen;
    private final Tensor best;
    private final Tensor places;

    /** @param shapes {@code [out, in]} of all matrices by path */
    TopUnits(SparseSpec spec, Map<String, List<Integer>> shapes) {
        this.spec = spec;
        this.shapes = shapes;
        limit = spec.kept().rank() > 0
                ? shapes.keySet().stream().mapToLong(this::count).sum()
                : spec.kept()
                        .share(shapes.values().stream().mapToLong(spec::units).sum());
        try (var scope = Scope.open()) {
            best = owner.own(torch.zeros(new long[] {0}, Engine.options(ScalarType.Float)));
            places = owner.own(torch.zeros(new long[] {0}, Engine.options(ScalarType.Long)));
        }
    }

    /**
     * The sum of the scores in each unit, {@code [units]}.
     *
     * @param scores {@code [out, in]}, fp32
     */
    static Tensor perUnit(Tensor scores, int block) {
        return block == 1
                ? scores.reshape(-1)
                : scores.reshape(scores.size(0) / block, block, scores.size(1) / block, block)
                        .sum(1, 3)
                        .reshape(-1);
    }

    /** The places of the {@code count} largest of {@code units}, in ascending order, int32. */
    static Tensor largest(Tensor units, long count) {
        return sorted(units.topk(count, 0, true, false).get1());
    }

    /** In ascending order, int32. */
    static Tensor sorted(Tensor places) {
        return places.sort().get0().to(ScalarType.Int);
    }

    private int count(String path) {
        return spec.kept().of(path, shape(path), spec.block());
    }

    private List<Integer> shape(String path) {
        return Objects.requireNonNull(shapes.get(path), path);
    }

    private boolean isGlobal() {
        return spec.scope() == SelectionScope.GLOBAL || spec.layerDrop();
    }

    /**
     * Takes the scores of the next matrix.
     *
     * @param scores of its shape, fp32
     */
    void add(String path, Tensor scores) {
        try (var scope = Scope.open()) {
            var units = perUnit(scores, spec.block());
            if (spec.scope() == SelectionScope.MATRIX) {
                ofMatrix.put(path, owner.own(largest(units, count(path))));
            }
            if (isGlobal()) {
                addToAll(units);
                order.add(path);
            }
        }
    }

    /** Holds the best of all so far. */
    private void addToAll(Tensor units) {
        long count = units.numel();
        var numbers = torch.arange(new Scalar(seen), new Scalar(seen + count), Engine.options(ScalarType.Long));
        seen += count;
        var scores = torch.cat(new TensorVector(best, units), 0);
        var all = torch.cat(new TensorVector(places, numbers), 0);
        if (scores.numel() > limit) {
            var top = scores.topk(limit, 0, true, false);
            best.set_(top.get0().clone());
            places.set_(all.index_select(0, top.get1()));
        } else {
            best.set_(scores);
            places.set_(all);
        }
    }

    /** The chosen units of each matrix in ascending order, int32; this object owns them. */
    Map<String, Tensor> chosen() {
        if (!isGlobal()) {
            return ofMatrix;
        }
        var chosen = new LinkedHashMap<String, Tensor>();
        try (var scope = Scope.open()) {
            long first = 0;
            for (var path : order) {
                long units = spec.units(shape(path));
                var mine = places.ge(new Scalar(first)).logical_and(places.lt(new Scalar(first + units)));
                var won = sorted(places.masked_select(mine).sub(new Scalar(first)));
                boolean dropped = spec.layerDrop() && won.numel() < count(path);
                var kept = spec.scope() == SelectionScope.GLOBAL ? won : ofMatrix.getOrDefault(path, won);
                chosen.put(path, owner.own(dropped ? kept.narrow(0, 0, 0).clone() : kept));
                first += units;
            }
        }
        return chosen;
    }

    @Override
    public void close() {
        owner.close();
    }
}
