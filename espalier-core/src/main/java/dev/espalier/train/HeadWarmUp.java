package dev.espalier.train;

import dev.espalier.error.InputException;
import dev.espalier.optim.GradientClipping;
import dev.espalier.optim.NonFiniteGradientException;
import dev.espalier.tensor.Parameter;
import java.util.ArrayList;
import java.util.List;

/** Trains heads that start from random weights alone, on the frozen model, for an epoch. */
final class HeadWarmUp {
    private HeadWarmUp() {}

    /** @param adapted a model without an adapter */
    static void run(Training training, AdaptedModel adapted) {
        var fresh = fresh(adapted);
        if (fresh.isEmpty()) {
            return;
        }
        training.listener().phase("training the new head alone");
        var options = training.options();
        double clipNorm = options.clipNorm() > 0 ? options.clipNorm() : Double.POSITIVE_INFINITY;
        var epoch = options.toBuilder().epochs(1).maxSteps(0).build();
        try (var session = new Session(training.options(epoch), adapted)) {
            for (int step = 0; step < session.steps; step++) {
                var batch = session.batcher.batch(0, step);
                if (fresh.contains(batch.task())) {
                    session.step.run(List.of(batch), session.random.at(step));
                    var gradients = session.gradients(batch.task());
                    GradientClipping.clip(gradients, clipNorm);
                    session.optimizer.step(gradients, session.stages.rate(step));
                }
            }
        } catch (NonFiniteGradientException e) {
            throw new InputException(
                    "Training the new head alone diverged, its gradient norm is " + e.norm()
                            + "; lower learning-rate, or leave the head untrained.",
                    e);
        }
    }

    /** The places of the tasks whose heads were not in the checkpoint. */
    private static List<Integer> fresh(AdaptedModel adapted) {
        var names = adapted.model().weights().initialised();
        var fresh = new ArrayList<Integer>();
        for (int place = 0; place < adapted.tasks().size(); place++) {
            if (AdaptedModel.trained(adapted.tasks().get(place).head())
                    .map(Parameter::name)
                    .anyMatch(names::contains)) {
                fresh.add(place);
            }
        }
        return fresh;
    }
}
