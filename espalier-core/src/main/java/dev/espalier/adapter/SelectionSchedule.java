package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.optim.Adafactor;
import dev.espalier.optim.Optimizer;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.tensor.GradientSink;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Chooses by score what a sparse adapter keeps. Up to the first selection the whole change of each matrix trains, where the
 * plan says so; from then on the run's optimizer trains what is kept, and between selections the rest waits as it is. A
 * selection looks at the gradients of a pass of its own, with the whole change acting, before the step that follows it.
 * After the last one nothing dense is left.
 */
final class SelectionSchedule implements BudgetSchedule {
    private static final String CHANGE = "change.";
    private static final String FACTORED = "factored.";
    private static final String SELECTIONS = "selections";

    private final SparseSpec spec;
    private final SelectionPlan.Times times;
    private final SparseMatrices matrices;
    private final RandomStream random;
    private final Map<String, Parameter> changes = new LinkedHashMap<>();
    private final Optional<DensePhase> phase;
    private final Owner owner = new Owner();
    private final Tensor selections;
    private Owner whole = new Owner();
    private Optional<Adafactor> factored = Optional.empty();

    SelectionSchedule(SparseSpec spec, SelectionPlan.Times times, Adapter adapter) {
        this.spec = spec;
        this.times = times;
        matrices = new SparseMatrices(adapter);
        random = adapter.random().at("selection");
        phase = spec.plan().densePhase();
        try (var scope = Scope.open()) {
            selections = owner.own(Initialiser.zeros(1));
            if (phase.equals(Optional.of(DensePhase.FACTORED))) {
                matrices.all().forEach(this::addChange);
                var values = new LinkedHashMap<String, Tensor>();
                changes.forEach((path, change) -> values.put(path, change.value()));
                factored = Optional.of(new Adafactor(List.of(ParameterGroup.of(values, 0)), Adafactor.Options.DEFAULT));
            }
        }
    }

    private void addChange(SparseMatrices.Matrix matrix) {
        var zeros = Initialiser.zeros(matrix.shape().get(0), matrix.shape().get(1));
        var change = new Parameter(matrix.path(), whole.own(zeros), false);
        changes.put(matrix.path(), change);
        matrix.delta().whole(change);
    }

    @Override
    public void beforeStep(int step, Consumer<GradientSink> pass, Optimizer optimizer) {
        if (times.selectsBefore(step)) {
            select(step, pass, optimizer);
        }
        matrices.actWhole(step < times.first());
    }

    @Override
    public Optional<GradientSink> sink(int step, double learningRate, int microBatches) {
        boolean trains = step < times.first() && factored.isPresent();
        matrices.watchWeights(trains);
        return trains
                ? factored.map(adafactor -> matrices.sink((matrix, gradient) ->
                        adafactor.step(Map.of(matrix.path(), gradient), learningRate / microBatches)))
                : Optional.empty();
    }

    private void select(int step, Consumer<GradientSink> pass, Optimizer optimizer) {
        matrices.watchWeights(false);
        var drawn = random.at(step);
        try (var scope = Scope.open();
                var top = new TopUnits(spec, matrices.shapes())) {
            if (step > times.first()) {
                matrices.all().forEach(SelectionSchedule::putBack);
            }
            if (spec.score().needsGradient()) {
                matrices.actWhole(true);
                matrices.look(
                        pass,
                        (matrix, gradient) -> top.add(
                                matrix.path(),
                                SparseMatrices.scores(spec.score(), matrix, Optional.of(gradient), drawn)));
            } else {
                matrices.all()
                        .forEach(matrix -> top.add(
                                matrix.path(), SparseMatrices.scores(spec.score(), matrix, Optional.empty(), drawn)));
            }
            top.chosen().forEach((path, chosen) -> keep(matrices.get(path), chosen, step, optimizer));
        }
        selections.add_(new Scalar(1));
        if (step == times.last()) {
            forgetTheRest(optimizer);
        }
    }

    /** What is kept was trained apart; the whole change is to have it too. */
    private static void putBack(SparseMatrices.Matrix matrix) {
        matrix.delta().whole().ifPresent(whole -> matrix.delta().sparse().putInto(whole.value()));
    }

    private void keep(SparseMatrices.Matrix matrix, Tensor chosen, int step, Optimizer optimizer) {
        try (var scope = Scope.open()) {
            var entries = SparseMatrices.entries(matrix, chosen, matrix.change());
            if (spec.plan() instanceof SelectionPlan.Rewound) {
                entries.zero_();
            }
            SparseMatrices.keep(matrix, chosen, entries, optimizer);
            if (step == times.first()) {
                optimizer.forget(Set.of(matrix.delta().values().name()));
            }
        }
    }

    private void forgetTheRest(Optimizer optimizer) {
        if (phase.equals(Optional.of(DensePhase.ADAMW))) {
            for (var matrix : matrices.all()) {
                matrix.delta().whole().ifPresent(whole -> handOver(matrix, whole, optimizer));
            }
        }
        free();
    }

    /** What is kept goes on with the moments it had as a part of the whole. */
    private void handOver(SparseMatrices.Matrix matrix, Parameter whole, Optimizer optimizer) {
        var values = matrix.delta().values().name();
        var indices = matrix.delta().indices().value();
        if (spec.plan() instanceof SelectionPlan.Rewound) {
            optimizer.forget(Set.of(values));
        } else {
            optimizer.exchange(values, whole.name(), moment -> SparseMatrices.entries(matrix, indices, moment));
        }
        try (var scope = Scope.open()) {
            whole.resize(Initialiser.zeros(0, 0));
        }
        optimizer.forget(Set.of(whole.name()));
    }

    private void free() {
        matrices.actWhole(false);
        matrices.watchWeights(false);
        if (factored.isPresent()) {
            matrices.all().forEach(matrix -> matrix.delta().whole(null));
            factored.ifPresent(Adafactor::close);
            factored = Optional.empty();
            changes.clear();
            whole.close();
            whole = new Owner();
        }
    }

    @Override
    public Set<String> afterUpdate(int step, Map<String, Tensor> gradients) {
        if (phase.equals(Optional.of(DensePhase.ADAMW)) && step >= times.first()) {
            try (var scope = Scope.open()) {
                for (var matrix : matrices.all()) {
                    matrix.delta().whole().ifPresent(whole -> takeOver(matrix, whole));
                }
            }
        }
        return Set.of();
    }

    /** The run's optimizer has moved the whole change; what is kept follows. */
    private static void takeOver(SparseMatrices.Matrix matrix, Parameter whole) {
        var delta = matrix.delta();
        delta.values().value().copy_(delta.sparse().entriesOf(whole.value()));
    }

    /** Before the first selection the adapter is judged by the largest entries of what was trained so far. */
    @Override
    public void settle() {
        if (phase.isEmpty() || selections.item_float() > 0) {
            return;
        }
        for (var matrix : matrices.all()) {
            try (var scope = Scope.open()) {
                var change = matrix.change();
                var units = TopUnits.perUnit(change.abs(), spec.block());
                var chosen = TopUnits.largest(units, spec.kept().of(matrix.path(), matrix.shape(), spec.block()));
                matrix.delta().indices().resize(chosen);
                matrix.delta().values().resize(SparseMatrices.entries(matrix, chosen, change));
            }
        }
    }

    /** How many selections there were; until the last one, the whole changes and their second moments. */
    @Override
    public Map<String, Tensor> state() {
        var state = new LinkedHashMap<String, Tensor>();
        state.put(SELECTIONS, selections);
        changes.forEach((path, change) -> state.put(CHANGE + path, change.value()));
        factored.ifPresent(adafactor -> adafactor.state().forEach((name, t) -> state.put(FACTORED + name, t)));
        return state;
    }

    @Override
    public void load(Map<String, Tensor> saved) {
        var count = saved.get(SELECTIONS);
        if (count == null) {
            throw new InputException(
                    "The saved state knows of no selections: it belongs to another adapter; start the run anew.");
        }
        selections.copy_(count);
        if (saved.size() == 1) {
            free();
            return;
        }
        changes.forEach((path, change) -> {
            var value = saved.get(CHANGE + path);
            if (value == null || !Arrays.equals(value.shape(), change.shape())) {
                throw new InputException("The saved state has no change of " + path + " of shape "
                        + Arrays.toString(change.shape()) + ": it belongs to another adapter; start the run anew.");
            }
            change.value().copy_(value);
        });
        var moments = new LinkedHashMap<String, Tensor>();
        saved.forEach((name, tensor) -> {
            if (name.startsWith(FACTORED)) {
                moments.put(name.substring(FACTORED.length()), Objects.requireNonNull(tensor));
            }
        });
        factored.ifPresent(adafactor -> adafactor.load(moments));
    }

    @Override
    public void close() {
        free();
        owner.close();
    }
}
