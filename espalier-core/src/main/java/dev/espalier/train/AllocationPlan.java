package dev.espalier.train;

import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.AllocationRule;
import dev.espalier.allocation.Grouping;
import dev.espalier.allocation.PercentileRule;
import dev.espalier.allocation.ProportionalRule;
import dev.espalier.allocation.ProportionalRule.Bounds;
import dev.espalier.allocation.ProportionalRule.Budget;
import java.util.OptionalInt;

/** How a run decides, before it trains, how many experts or which rank each module gets. */
public sealed interface AllocationPlan {
    /** The share of the matrices that each of several tasks keeps where nothing else is asked, in percent. */
    double USUAL_KEEP = 40;

    /** The most experts of a matrix that one task gives where nothing else is asked. */
    int USUAL_MOST = 4;

    /** As it is written down; it must name every module that the adapter targets, and no other. */
    record Given(Allocation allocation) implements AllocationPlan {}

    /** By a rule that looks at the matrices alone. */
    record Ruled(AllocationRule rule) implements AllocationPlan {}

    /** By a rule on sensitivities that are measured first, on the adapter's targets. */
    record Measured(AllocationRule rule, ProbeOptions probe) implements AllocationPlan {}

    /**
     * What LoRA-SMoE does where nothing else is asked: for several tasks the percentile rule over all matrices, at
     * {@value #USUAL_KEEP} percent; for one task as many experts as there are matrices, shared out in proportion, with
     * at most {@value #USUAL_MOST} for each.
     */
    static AllocationPlan usual(int tasks, ProbeOptions probe) {
        AllocationRule oneTask = matrices -> new ProportionalRule(
                        new Budget.Experts(matrices.modules().size()),
                        new Bounds(0, OptionalInt.of(USUAL_MOST)),
                        Grouping.ALL)
                .allocate(matrices);
        return new Measured(tasks > 1 ? new PercentileRule(USUAL_KEEP, Grouping.ALL) : oneTask, probe);
    }
}
