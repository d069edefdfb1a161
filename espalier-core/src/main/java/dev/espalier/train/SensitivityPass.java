package dev.espalier.train;

import dev.espalier.allocation.ModulePath;
import dev.espalier.data.Batch;
import dev.espalier.importance.ElementScore;
import dev.espalier.importance.GradientStatistics;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.tensor.GradientSink;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Measures how sensitive a row's loss is to each matrix, row after row. One gradient exists at a time, and nothing changes.
 */
final class SensitivityPass {
    private final LanguageModel model;
    private final StepTask task;
    private final boolean checkpointing;
    private final List<Parameter> weights;
    /** Places of the weights that are measured on one row, those of the next row after them. */
    private final List<List<Integer>> turns;

    private int rows;

    private SensitivityPass(
            LanguageModel model,
            StepTask task,
            boolean checkpointing,
            Collection<Linear> matrices,
            List<List<Integer>> turns) {
        this.model = model;
        this.task = task;
        this.checkpointing = checkpointing;
        this.weights = matrices.stream().map(Linear::weight).toList();
        this.turns = turns;
    }

    /** All matrices on every row. */
    static SensitivityPass exact(
            LanguageModel model, StepTask task, boolean checkpointing, Collection<Linear> matrices) {
        var all = IntStream.range(0, matrices.size()).boxed().toList();
        return new SensitivityPass(model, task, checkpointing, matrices, List.of(all));
    }

    /**
     * The matrices of one layer on each row, layer after layer from the lowest, as the authors of LoRA-SMoE probe (arXiv
     * 2505.06272). They take an AdamW step of 1e-5 with a layer's gradients before the next row; here none is taken, for
     * steps need a copy of every matrix in fp32, and hardly change which matrices are the more sensitive.
     */
    static SensitivityPass blockwise(
            LanguageModel model, StepTask task, boolean checkpointing, Collection<Linear> matrices) {
        Map<Integer, List<Integer>> layers = new TreeMap<>();
        int place = 0;
        for (var matrix : matrices) {
            int layer = ModulePath.of(matrix.name()).layer().orElse(Integer.MAX_VALUE);
            layers.computeIfAbsent(layer, none -> new ArrayList<>()).add(place++);
        }
        return new SensitivityPass(model, task, checkpointing, matrices, List.copyOf(layers.values()));
    }

    /** Rows that make up one measurement of all matrices. */
    int unit() {
        return turns.size();
    }

    /**
     * The sum of the squared elements of the loss's gradient with respect to each matrix, in the matrices' order; 0 for
     * those that this row is not measured on.
     */
    double[] measure(Batch row) {
        var turn = turns.get(rows++ % turns.size());
        var measured = turn.stream().map(weights::get).toList();
        var statistics = new GradientStatistics(measured, Set.of(ElementScore.SQUARED_GRADIENT));
        measured.forEach(weight -> weight.trainable(true));
        try {
            run(model, task, checkpointing, row, statistics);
        } finally {
            measured.forEach(weight -> weight.trainable(false));
        }
        var values = new double[weights.size()];
        turn.forEach(place -> values[place] = statistics.sum(weights.get(place), ElementScore.SQUARED_GRADIENT));
        return values;
    }

    /** Forward and backward of the mean loss of a row's answers, without dropout. */
    static void run(LanguageModel model, StepTask task, boolean checkpointing, Batch row, GradientSink sink) {
        try (var scope = Scope.open();
                var whole = new SummingSink(sink, task.head().passes());
                var context = ForwardContext.evaluation(Tape.recording(whole), row.layout())
                        .checkpointing(checkpointing)) {
            var loss = model.loss(task.head(), task.kind(), row, 1.0 / row.labelCount(), context);
            context.tape().backward(loss);
        }
    }
}
