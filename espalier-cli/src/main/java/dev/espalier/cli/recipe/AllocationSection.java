package dev.espalier.cli.recipe;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.allocation.Grouping;
import dev.espalier.train.AllocationPlan;
import dev.espalier.train.ProbeOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** How experts or ranks are given to modules before training; see {@link AllocationPlan}, which it becomes. */
public record AllocationSection(
        @Key(
                value =
                        "percentile (an expert for each task that a matrix is among the more sensitive of its group for), proportional (a budget shared out by sensitivity), depth, uniform or table (from a file).",
                example = "percentile")
        RuleChoice.@Nullable Name rule,

        @Key(value = "Which matrices compete: attention, type or all.", example = "all") @Nullable Grouping group,

        @Key(
                value = "percentile: how much of a group each task keeps, in percent.",
                example = "40",
                atLeast = 0,
                atMost = 100)
        @Nullable Double keep,

        @Key(value = "proportional: experts, or ranks, in all.", example = "48", atLeast = 1) @Nullable Long budget,

        @Key(
                value = "proportional: as many as cost no more than so many trained weights.",
                example = "500000",
                atLeast = 1)
        @Nullable Long weights,

        @Key(value = "proportional: for each matrix at least.", example = "0", atLeast = 0) @Nullable Integer minimum,

        @Key(value = "proportional: for each matrix at most.", example = "4", atLeast = 1) @Nullable Integer maximum,

        @Key(value = "depth: for equal parts of the layers, from the first to the last.", example = "[2, 4, 6, 8]")
        @Nullable List<Integer> byDepth,

        @Key(value = "uniform: for every matrix.", example = "2", atLeast = 0) @Nullable Integer count,

        @Key(value = "table: JSON {module: experts}, as espalier allocate writes it.", example = "experts.json")
        @Nullable String table,

        @Key(value = "Training rows of each task to measure sensitivities on.", example = "64", atLeast = 2) @Nullable Integer samples,

        @Key(value = "Measure one layer on each row, as the authors of LoRA-SMoE do.", example = "false") @Nullable Boolean blockwise,

        @Key(value = "Train a new head alone for an epoch before measuring.", example = "true") @Nullable Boolean trainHead) {
    static final AllocationSection DEFAULT =
            new AllocationSection(null, null, null, null, null, null, null, null, null, null, null, null, null);

    /** What the library needs to know of it, for an adapter and so many tasks. */
    public AllocationPlan plan(AdapterSpec adapter, int tasks) {
        var options = ProbeOptions.DEFAULT
                .withPass(Boolean.TRUE.equals(blockwise) ? ProbeOptions.Pass.BLOCKWISE : ProbeOptions.Pass.EXACT)
                .withTrainHead(!Boolean.FALSE.equals(trainHead));
        var probe = samples == null ? options : options.withSamples(samples);
        if (rule == null
                && keep == null
                && budget == null
                && weights == null
                && byDepth == null
                && count == null
                && table == null) {
            return AllocationPlan.usual(tasks, probe);
        }
        var choice = new RuleChoice(
                "",
                Objects.requireNonNullElse(rule, RuleChoice.Name.PERCENTILE),
                Objects.requireNonNullElse(group, Grouping.ALL),
                keep,
                budget,
                weights,
                minimum,
                maximum,
                byDepth,
                count,
                table == null ? null : Path.of(table));
        var made = choice.rule(adapter.allocationCost());
        return choice.needsSensitivities() ? new AllocationPlan.Measured(made, probe) : new AllocationPlan.Ruled(made);
    }
}
