package dev.espalier.adapter;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.optim.AdamW;
import dev.espalier.optim.Optimizer;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.tensor.GradientSink;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.train.StepTask;
import dev.espalier.train.TrainingStep;
import dev.espalier.train.Workers;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/** A sparse adapter on the fixtures' small BERT and its training, step by step as a run does it. */
final class SparseRun implements AutoCloseable {
    static final double RATE = 1e-2;

    private final TinyModel tiny = new TinyModel();
    private final Scope scope = Scope.open();
    private final Owner owner = new Owner();
    private final Workers workers = new Workers(1);
    private final Adapter adapter;
    private final BudgetSchedule schedule;
    private final TrainingStep training;
    private final Optimizer optimizer;
    private UnaryOperator<GradientSink> watch = sink -> sink;
    private int step;

    SparseRun(SparseSpec spec, int steps, int stepsPerEpoch) {
        this(spec, steps, stepsPerEpoch, 1);
    }

    SparseRun(SparseSpec spec, int steps, int stepsPerEpoch, long seed) {
        var head = tiny.addHead("", 3);
        adapter = Adapter.create("default", spec, tiny.model(), RandomStream.of(seed));
        schedule = adapter.startTraining(steps, stepsPerEpoch).orElseThrow();
        var trained = adapter.parameters().stream().filter(Parameter::trainable).toList();
        training = new TrainingStep(tiny.model(), List.of(new StepTask(head, TaskKind.SINGLE_LABEL)), trained, workers);
        var values = new LinkedHashMap<String, Tensor>();
        trained.forEach(parameter -> values.put(parameter.name(), parameter.value()));
        optimizer = new AdamW(List.of(ParameterGroup.of(values, 0)), AdamW.Options.DEFAULT);
    }

    /** Lets every sink be seen through {@code watch}. */
    void watch(UnaryOperator<GradientSink> watch) {
        this.watch = watch;
    }

    /** What comes before the next step: a selection, if it is time. */
    void beforeStep() {
        schedule.beforeStep(step, sink -> pass(Optional.of(sink)), optimizer);
    }

    /** The next step without what comes before it. */
    void step() {
        pass(schedule.sink(step, RATE, 1));
        var gradients = new LinkedHashMap<String, Tensor>(training.gradients().byName());
        optimizer.step(gradients, RATE);
        schedule.afterUpdate(step, gradients);
        step++;
    }

    /** So many whole steps. */
    SparseRun steps(int count) {
        for (int i = 0; i < count; i++) {
            beforeStep();
            step();
        }
        return this;
    }

    private TrainingStep.Result pass(Optional<GradientSink> sink) {
        return training.run(List.of(batch()), RandomStream.of(3), sink.map(watch));
    }

    private Batch batch() {
        return tiny.batch();
    }

    /** The gradients of the whole weights now, with whatever acts, {@code [out, in]} by path. */
    Map<String, Tensor> weightGradients() {
        var gradients = new LinkedHashMap<String, Tensor>();
        new SparseMatrices(adapter)
                .look(
                        sink -> pass(Optional.of(sink)),
                        (matrix, gradient) -> gradients.put(matrix.path(), owner.own(gradient.clone())));
        return gradients;
    }

    Adapter adapter() {
        return adapter;
    }

    TinyModel tiny() {
        return tiny;
    }

    BudgetSchedule schedule() {
        return schedule;
    }

    Optimizer optimizer() {
        return optimizer;
    }

    TrainingStep training() {
        return training;
    }

    Map<String, SparseDelta> deltas() {
        var deltas = new LinkedHashMap<String, SparseDelta>();
        adapter.deltas().forEach((path, delta) -> deltas.put(path, (SparseDelta) delta));
        return deltas;
    }

    /** The whole change of a matrix, {@code [out, in]}, a copy. */
    static Tensor whole(SparseDelta delta) {
        return delta.whole().orElseThrow().value().clone();
    }

    /** The change that the kept entries make, {@code [out, in]}. */
    static Tensor change(SparseDelta delta) {
        var s = delta.sparse();
        var change = Initialiser.zeros(s.out(), s.in());
        s.addTo(change);
        return change;
    }

    @Override
    public void close() {
        schedule.close();
        optimizer.close();
        training.close();
        workers.close();
        adapter.close();
        owner.close();
        scope.close();
        tiny.close();
    }
}
