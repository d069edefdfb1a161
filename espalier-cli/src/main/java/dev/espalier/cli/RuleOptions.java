package dev.espalier.cli;

import dev.espalier.allocation.AllocationRule;
import dev.espalier.allocation.Cost;
import dev.espalier.allocation.Grouping;
import dev.espalier.cli.recipe.RuleChoice;
import dev.espalier.error.InputException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say by which rule experts are allocated. */
final class RuleOptions {
    @Option(
            names = "--rule",
            paramLabel = "RULE",
            description =
                    "percentile (the default), proportional, depth, uniform or table; what they do is said below.")
    private RuleChoice.Name rule = RuleChoice.Name.PERCENTILE;

    @Option(
            names = "--group",
            paramLabel = "GROUP",
            description =
                    "Which matrices compete: attention (those of attention, together), type (each type apart) or all (together, the default). Matrices in no group get none.")
    private Grouping group = Grouping.ALL;

    @Option(
            names = "--keep",
            paramLabel = "PERCENT",
            description = "percentile: how much of a group each task keeps, 0 to 100.")
    private @Nullable Double keep;

    @Option(names = "--budget", paramLabel = "N", description = "proportional: experts, or ranks, in all.")
    private @Nullable Long budget;

    @Option(
            names = "--weights",
            paramLabel = "N",
            description = "proportional: as many as cost no more than so many trained weights.")
    private @Nullable Long weights;

    @Option(names = "--minimum", paramLabel = "N", description = "proportional: for each matrix at least; default 0.")
    private @Nullable Integer minimum;

    @Option(
            names = "--maximum",
            paramLabel = "N",
            description = "proportional: for each matrix at most; default: no limit.")
    private @Nullable Integer maximum;

    @Option(
            names = "--by-depth",
            paramLabel = "N",
            split = ",",
            description = "depth: for the matrices of each part of the layers, from the lowest up; default 2,4,6,8.")
    private @Nullable List<Integer> byDepth;

    @Option(names = "--count", paramLabel = "N", description = "uniform: for every matrix of the group.")
    private @Nullable Integer count;

    @Option(names = "--table", paramLabel = "FILE", description = "table: JSON {module: experts}, every matrix in it.")
    private @Nullable Path table;

    @Option(
            names = "--unit",
            paramLabel = "UNIT",
            description =
                    "What is counted: shared-experts (they share A, as LoRA-SMoE's do; the default), experts (each with factors of its own) or ranks.")
    private Unit unit = Unit.SHARED_EXPERTS;

    @Option(names = "--rank", paramLabel = "R", description = "Rank of an expert, to count trained weights; default 8.")
    private int rank = 8;

    /** What an allocation counts. */
    enum Unit {
        SHARED_EXPERTS,
        EXPERTS,
        RANKS
    }

    /** @throws InputException if an option is missing or belongs to another rule */
    AllocationRule rule() {
        return choice().rule(cost());
    }

    /** Whether the rule goes by sensitivities. */
    boolean needsSensitivities() {
        return choice().needsSensitivities();
    }

    private RuleChoice choice() {
        return new RuleChoice("--", rule, group, keep, budget, weights, minimum, maximum, byDepth, count, table);
    }

    /** Which matrices may get something. */
    Grouping grouping() {
        return group;
    }

    /** What a count costs. */
    Cost cost() {
        if (rank < 1) {
            throw new InputException("--rank must be at least 1, not " + rank + ".");
        }
        return switch (unit) {
            case SHARED_EXPERTS -> Cost.sharedExperts(rank);
            case EXPERTS -> Cost.separateExperts(rank);
            case RANKS -> Cost.ranks();
        };
    }

    /** What is counted, in a word. */
    String counted() {
        return unit == Unit.RANKS ? "ranks" : "experts";
    }

    /** The rank of a LoRA adapter to compare with. */
    int rank() {
        return rank;
    }
}
