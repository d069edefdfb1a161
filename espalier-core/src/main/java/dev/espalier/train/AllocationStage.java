package dev.espalier.train;

import dev.espalier.adapter.ModelMatrices;
import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.Grouping;
import dev.espalier.allocation.Matrices;
import dev.espalier.allocation.Sensitivities;
import dev.espalier.allocation.WeightComparison;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.error.InputException;
import dev.espalier.report.AllocationFacts;
import dev.espalier.tensor.Engine;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What comes before training where an adapter's experts or ranks are allocated.
 *
 * @param training with the adapter as it was allocated
 * @param allocation that was made; empty where there was none to make
 * @param sensitivities that were measured for it
 * @param facts about it; a run that goes on has them in its metrics
 */
record AllocationStage(
        Training training,
        Optional<Allocation> allocation,
        Optional<Sensitivities> sensitivities,
        AllocationFacts facts) {
    /** Allocates, measuring first where the plan asks for it; a run that goes on keeps what it was begun with. */
    static AllocationStage run(Training training, RunFolder folder, boolean resumed, TrainingGroup group) {
        var plan = training.allocation().or(() -> usual(training));
        if (plan.isEmpty()) {
            return new AllocationStage(training, Optional.empty(), Optional.empty(), AllocationFacts.NONE);
        }
        // Refuses a method that has nothing to allocate before anything is measured.
        training.adapter().allocationCost();
        if (resumed) {
            return allocated(training, Allocation.read(folder.allocation()), Optional.empty(), AllocationFacts.NONE);
        }
        var chosen = plan.get();
        if (chosen instanceof AllocationPlan.Measured measured) {
            var options = measured.probe().withTargets(training.adapter().targets());
            var rule = measured.rule();
            var probed = SensitivityProbe.of(training, options).by(rule).run(group);
            var made = rule.allocate(probed.matrices());
            var weights = weights(training, made, probed.matrices(), rule.grouping());
            return allocated(training, made, Optional.of(probed.sensitivities()), probed.facts(rule, weights));
        }
        var matrices = matrices(training, group);
        if (chosen instanceof AllocationPlan.Ruled ruled) {
            var made = ruled.rule().allocate(matrices);
            return allocated(
                    training,
                    made,
                    weights(training, made, matrices, ruled.rule().grouping()));
        }
        var given = ((AllocationPlan.Given) chosen).allocation();
        given.requireFor(matrices.modules());
        return allocated(training, given, weights(training, given, matrices, Grouping.ALL));
    }

    private static Optional<WeightComparison> weights(
            Training training, Allocation made, Matrices matrices, Grouping group) {
        var adapter = training.adapter();
        return WeightComparison.of(made, matrices, adapter.allocationCost(), adapter.rank(), group);
    }

    private static Optional<AllocationPlan> usual(Training training) {
        return training.adapter().isAllocated()
                ? Optional.of(AllocationPlan.usual(training.tasks().size(), ProbeOptions.DEFAULT))
                : Optional.empty();
    }

    private static Matrices matrices(Training training, TrainingGroup group) {
        try (var model = group.open(
                ModelLocator.locate(training.model()),
                Engine.dtype(training.options().dtype()))) {
            return ModelMatrices.of(model, training.adapter().targets());
        }
    }

    /** Without anything measured. */
    private static AllocationStage allocated(
            Training training, Allocation allocation, Optional<WeightComparison> weights) {
        var facts = new AllocationFacts(weights, Map.of(), Map.of(), OptionalDouble.empty());
        return allocated(training, allocation, Optional.empty(), facts);
    }

    static AllocationStage allocated(
            Training training, Allocation allocation, Optional<Sensitivities> sensitivities, AllocationFacts facts) {
        if (allocation.chosen().isEmpty()) {
            throw new InputException("The allocation gives none of the "
                    + allocation.modules().size() + " modules anything, so nothing would train; "
                    + (sensitivities.filter(Sensitivities::allZero).isPresent()
                            ? "all sensitivities that were measured are 0: the loss depends on none of them, so measure"
                                    + " on other rows, or leave the allocation out."
                            : "raise what is kept or the budget."));
        }
        var adapter = training.adapter().allocated(allocation);
        training.listener()
                .phase("allocated " + allocation.total() + " to "
                        + allocation.chosen().size() + " of "
                        + allocation.modules().size() + " modules");
        return new AllocationStage(training.adapter(adapter), Optional.of(allocation), sensitivities, facts);
    }

    /** Writes what was decided, so that a resumed run does not decide anew. */
    void write(RunFolder folder, MetricsLog log) {
        facts.records().forEach(line -> log.write(line.kind(), line.step(), line.values()));
        allocation.ifPresent(made -> AtomicFiles.writeString(folder.allocation(), made.json()));
        sensitivities.ifPresent(measured -> AtomicFiles.writeString(folder.sensitivities(), measured.json()));
    }
}
