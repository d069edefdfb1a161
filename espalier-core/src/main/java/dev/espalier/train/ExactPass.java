package dev.espalier.train;

import dev.espalier.data.Batch;
import dev.espalier.importance.ElementScore;
import dev.espalier.importance.GradientStatistics;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.tensor.Parameter;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** All matrices on every row; one gradient exists at a time. */
final class ExactPass implements SensitivityPass {
    private final LanguageModel model;
    private final StepTask task;
    private final boolean checkpointing;
    private final List<Parameter> weights;

    ExactPass(LanguageModel model, StepTask task, boolean checkpointing, Collection<Linear> matrices) {
        this.model = model;
        this.task = task;
        this.checkpointing = checkpointing;
        weights = matrices.stream().map(Linear::weight).toList();
        weights.forEach(weight -> weight.trainable(true));
    }

    @Override
    public double[] measure(Batch row) {
        var statistics = new GradientStatistics(weights, Set.of(ElementScore.SQUARED_GRADIENT));
        SensitivityPass.run(model, task, checkpointing, row, statistics);
        return weights.stream()
                .mapToDouble(weight -> statistics.sum(weight, ElementScore.SQUARED_GRADIENT))
                .toArray();
    }

    @Override
    public int unit() {
        return 1;
    }

    @Override
    public void close() {
        weights.forEach(weight -> weight.trainable(false));
    }
}
