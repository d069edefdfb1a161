package dev.espalier.cli.recipe;

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
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The rule by which experts are allocated, as options or keys name it; those that are not given are null.
 *
 * @param prefix of the names in messages: {@code --} of options
 */
public record RuleChoice(
        String prefix,
        Name rule,
        Grouping group,
        @Nullable Double keep,
        @Nullable Long budget,
        @Nullable Long weights,
        @Nullable Integer minimum,
        @Nullable Integer maximum,
        @Nullable List<Integer> byDepth,
        @Nullable Integer count,
        @Nullable Path table) {
    /** A rule's name. */
    public enum Name {
        PERCENTILE,
        PROPORTIONAL,
        DEPTH,
        UNIFORM,
        TABLE
    }

    /** Whether the rule goes by sensitivities. */
    public boolean needsSensitivities() {
        return rule == Name.PERCENTILE || rule == Name.PROPORTIONAL;
    }

    /**
     * The rule.
     *
     * @param cost what a budget of trained weights counts
     * @throws InputException if a value is missing or belongs to another rule
     */
    public AllocationRule rule(Cost cost) {
        refuseOthers();
        return switch (rule) {
            case PERCENTILE -> new PercentileRule(required("keep", keep), group);
            case PROPORTIONAL -> new ProportionalRule(budget(cost), bounds(), group);
            case DEPTH -> new DepthRule(byDepth == null ? DepthRule.MOLA : byDepth, group);
            case UNIFORM -> AllocationRule.uniform(required("count", count), group);
            case TABLE -> AllocationRule.table(Allocation.read(required("table", table)));
        };
    }

    private Budget budget(Cost cost) {
        if ((budget == null) == (weights == null)) {
            throw new InputException(
                    "The rule proportional needs either " + prefix + "budget or " + prefix + "weights.");
        }
        return budget != null ? new Budget.Experts(budget) : new Budget.Weights(required("weights", weights), cost);
    }

    private Bounds bounds() {
        return new Bounds(
                minimum == null ? 0 : minimum, maximum == null ? OptionalInt.empty() : OptionalInt.of(maximum));
    }

    private void refuseOthers() {
        Map<String, Name> given = new LinkedHashMap<>();
        note(given, "keep", keep, Name.PERCENTILE);
        note(given, "budget", budget, Name.PROPORTIONAL);
        note(given, "weights", weights, Name.PROPORTIONAL);
        note(given, "minimum", minimum, Name.PROPORTIONAL);
        note(given, "maximum", maximum, Name.PROPORTIONAL);
        note(given, "by-depth", byDepth, Name.DEPTH);
        note(given, "count", count, Name.UNIFORM);
        note(given, "table", table, Name.TABLE);
        given.forEach((option, of) -> {
            if (of != rule) {
                throw new InputException(prefix + option + " goes with the rule " + Field.kebab(of) + ", not with "
                        + Field.kebab(rule) + ".");
            }
        });
    }

    private static void note(Map<String, Name> given, String option, @Nullable Object value, Name of) {
        if (value != null) {
            given.put(option, of);
        }
    }

    private <T> T required(String option, @Nullable T value) {
        if (value == null) {
            throw new InputException("The rule " + Field.kebab(rule) + " needs " + prefix + option + ".");
        }
        return value;
    }
}
