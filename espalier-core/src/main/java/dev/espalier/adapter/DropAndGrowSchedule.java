package dev.espalier.adapter;

import dev.espalier.optim.Optimizer;
import dev.espalier.tensor.GradientSink;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Drops what of a sparse adapter is smallest and grows where the gradient is largest; see {@link SelectionPlan.DropAndGrow}. */
final class DropAndGrowSchedule implements BudgetSchedule {
    private final SparseSpec spec;
    private final SelectionPlan.DropAndGrow plan;
    private final SelectionPlan.Times times;
    private final SparseMatrices matrices;
    private final int steps;

    DropAndGrowSchedule(
            SparseSpec spec, SelectionPlan.DropAndGrow plan, SelectionPlan.Times times, Adapter adapter, int steps) {
        this.spec = spec;
        this.plan = plan;
        this.times = times;
        this.steps = steps;
        matrices = new SparseMatrices(adapter);
    }

    /** The part of the kept units that is replaced before {@code step}. */
    private double share(int step) {
        return step == 0 ? 1 : plan.share() * (1 - (double) step / steps);
    }

    @Override
    public void beforeStep(int step, Consumer<GradientSink> pass, Optimizer optimizer) {
        if (!times.selectsBefore(step)) {
            return;
        }
        try (var scope = Scope.open();
                var owner = new Owner()) {
            Map<String, List<Tensor>> choices = new LinkedHashMap<>();
            matrices.look(pass, (matrix, gradient) -> {
                var left = owner.own(left(matrix, step));
                choices.put(matrix.path(), List.of(left, owner.own(grown(matrix, left, gradient))));
            });
            // First without those that go: one that comes back at once begins anew like any other.
            choices.forEach((path, choice) -> choice.forEach(units -> keep(matrices.get(path), units, optimizer)));
        }
    }

    private static void keep(SparseMatrices.Matrix matrix, Tensor units, Optimizer optimizer) {
        try (var scope = Scope.open()) {
            SparseMatrices.keep(matrix, units, SparseMatrices.entries(matrix, units, matrix.change()), optimizer);
        }
    }

    /** The kept units without the smallest, in ascending order. */
    private Tensor left(SparseMatrices.Matrix matrix, int step) {
        var kept = matrix.delta().indices().value();
        long count = kept.numel();
        var sizes = TopUnits.perUnit(matrix.change().abs(), spec.block()).index_select(0, kept);
        return kept.index_select(0, TopUnits.largest(sizes, count - Math.round(share(step) * count)));
    }

    /** With those of the others that have the largest gradient, as many as before, in ascending order. */
    private Tensor grown(SparseMatrices.Matrix matrix, Tensor left, Tensor gradient) {
        var growth = TopUnits.perUnit(gradient.abs(), spec.block());
        growth.index_fill_(0, left.to(ScalarType.Long), new Scalar(-1.0));
        long missing = matrix.delta().indices().size() - left.numel();
        return TopUnits.sorted(torch.cat(new TensorVector(left, TopUnits.largest(growth, missing)), 0));
    }

    @Override
    public Set<String> afterUpdate(int step, Map<String, Tensor> gradients) {
        return Set.of();
    }

    @Override
    public void close() {
        matrices.watchWeights(false);
    }
}
