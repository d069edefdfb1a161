package dev.espalier.cli.recipe;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * LoRA's numbers.
 *
 * @param rank inner size of the product
 * @param alpha the product is scaled by alpha / rank
 * @param dropout on the adapter's input
 * @param rslora whether the scale is alpha / sqrt(rank)
 * @param bias which biases are trained
 * @param target where it attaches
 * @param rankPattern ranks of particular modules, the first match wins
 * @param alphaPattern the same for alpha
 */
@Variant(value = "lora", is = "low-rank adaptation")
public record LoraSection(
        @Key(value = "Rank of each adapter: the inner size of its two matrices.", atLeast = 1)
        int rank,

        @Key(value = "The adapter's output is scaled by alpha / rank.", above = 0)
        double alpha,

        @Key(value = "Dropout on the adapter's input while training.", atLeast = 0, below = 1)
        double dropout,

        @Key("Scale by alpha / sqrt(rank) instead (rsLoRA).")
        boolean rslora,

        @Inline TargetSection target,

        @Key("Biases that are trained: none, all of the model's, or those of adapted modules.")
        Bias bias,

        @Key(
                value =
                        "Other ranks for particular modules: a regular expression for the end of the path, and the rank; the first match wins.",
                atLeast = 1)
        Map<String, Integer> rankPattern,

        @Key(value = "The same for alpha.", above = 0) Map<String, Double> alphaPattern)
        implements AdapterSection {
    /** The reference setting of the built-in tasks. */
    public static final LoraSection DEFAULT =
            new LoraSection(8, 16, 0.05, false, TargetSection.DEFAULT, Bias.NONE, Map.of(), Map.of());

    public LoraSection {
        // Not Map.copyOf: the order of the patterns counts.
        rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
        alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
    }
}
