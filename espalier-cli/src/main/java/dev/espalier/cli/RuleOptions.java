package dev.espalier.cli;

import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.AllocationRule;
import dev.espalier.allocation.Cost;
import dev.espalier.allocation.DepthRule;
import dev.espalier.allocation.Grouping;
import dev.espalier.allocation.PercentileRule;
import dev.espalier.allocation.ProportionalRule;
import dev.espalier.allocation.ProportionalRule.Bounds;
import dev.espalier.allocation.ProportionalRule.Budget;
import dev.espalier.error.InputException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say by which rule experts are allocated. */
final class RuleOptions {
    @Option(
            names = "--rule",
            paramLabel = "RULE",
            description =
                    "percentile (the default), proportional, depth, uniform or table; what they do is said below.")
    private Rule rule = Rule.PERCENTILE;

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

    /** A rule's name on the command line. */
    enum Rule {
        PERCENTILE,
        PROPORTIONAL,
        DEPTH,
        UNIFORM,
        TABLE
    }

    /** What an allocation counts. */
    enum Unit {
        SHARED_EXPERTS,
        EXPERTS,
        RANKS
    }

    /** @throws InputException if an option is missing or belongs to another rule */
    AllocationRule rule() {
        refuseOthers();
        return switch (rule) {
            case PERCENTILE -> new PercentileRule(required("--keep", keep), group);
            case PROPORTIONAL -> new ProportionalRule(budget(), bounds(), group);
            case DEPTH -> new DepthRule(byDepth == null ? DepthRule.MOLA : byDepth, group);
            case UNIFORM -> AllocationRule.uniform(required("--count", count), group);
            case TABLE -> AllocationRule.table(Allocation.read(required("--table", table)));
        };
    }

    /** Whether the rule goes by sensitivities. */
    boolean needsSensitivities() {
        return rule == Rule.PERCENTILE || rule == Rule.PROPORTIONAL;
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

    private Budget budget() {
        if ((budget == null) == (weights == null)) {
            throw new InputException("The rule proportional needs either --budget or --weights.");
        }
        return budget != null ? new Budget.Experts(budget) : new Budget.Weights(required("--weights", weights), cost());
    }

    private Bounds bounds() {
        return new Bounds(
                minimum == null ? 0 : minimum, maximum == null ? OptionalInt.empty() : OptionalInt.of(maximum));
    }

    private void refuseOthers() {
        Map<String, Rule> given = new LinkedHashMap<>();
        note(given, "--keep", keep, Rule.PERCENTILE);
        note(given, "--budget", budget, Rule.PROPORTIONAL);
        note(given, "--weights", weights, Rule.PROPORTIONAL);
        note(given, "--minimum", minimum, Rule.PROPORTIONAL);
        note(given, "--maximum", maximum, Rule.PROPORTIONAL);
        note(given, "--by-depth", byDepth, Rule.DEPTH);
        note(given, "--count", count, Rule.UNIFORM);
        note(given, "--table", table, Rule.TABLE);
        given.forEach((option, of) -> {
            if (of != rule) {
                throw new InputException(option + " goes with the rule " + name(of) + ", not with " + name(rule) + ".");
            }
        });
    }

    private static void note(Map<String, Rule> given, String option, @Nullable Object value, Rule of) {
        if (value != null) {
            given.put(option, of);
        }
    }

    private <T> T required(String option, @Nullable T value) {
        if (value == null) {
            throw new InputException("The rule " + name(rule) + " needs " + option + ".");
        }
        return value;
    }

    private static String name(Rule rule) {
        return rule.name().toLowerCase(Locale.ROOT);
    }
}
