package dev.espalier.cli.recipe;

import dev.espalier.adapter.LoraSpec;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** LoRA; see {@link LoraSpec}, which it becomes. */
@Variant(value = LoraSpec.METHOD, is = "low-rank adaptation")
public record LoraSection(
        @Key(value = "Rank of each adapter: the inner size of its two matrices.", atLeast = 1)
        int rank,

        @Key(value = "The adapter's output is scaled by alpha / rank.", above = 0)
        double alpha,

        @Key(value = "Dropout on the adapter's input while training.", atLeast = 0, below = 1)
        double dropout,

        @Key("Scale by alpha / sqrt(rank) instead (rsLoRA).")
        boolean rslora,

        @Key("Give each row of the weight a trained length of its own, apart from its direction (DoRA).")
        boolean dora,

        @Key(
                "How the two matrices start: A random and B zero, uniform (default) or gaussian, both random, or the weight's principal components (pissa).")
        LoraSpec.Initialisation initialisation,

        @Inline TargetSection target,

        @Key(
                value =
                        "Other ranks for particular modules: a regular expression for the end of the path, and the rank; the first match wins.",
                atLeast = 1)
        Map<String, Integer> rankPattern,

        @Key(value = "The same for alpha.", above = 0) Map<String, Double> alphaPattern,

        @Key("Modules that train as a whole beside the adapter, such as lm_head or embed_tokens: ends of their paths.")
        List<String> modulesToSave,

        @Key(value = "The learning rate of B over that of A (LoRA+); 1 for the same.", above = 0)
        double learningRateRatio,

        @Key(
                value =
                        "Multiply gradients of A and B by (B^T B + e I)^-1 and (A A^T + e I)^-1 with this e, before they are clipped (Riemannian preconditioning); 0 for none.",
                atLeast = 0)
        double riemannianEpsilon)
        implements AdapterSection {
    static final LoraSection DEFAULT = of(LoraSpec.defaults());

    public LoraSection {
        modulesToSave = List.copyOf(modulesToSave);
        // Not Map.copyOf: the order of the patterns counts.
        rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
        alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
    }

    private static LoraSection of(LoraSpec spec) {
        return new LoraSection(
                spec.rank(),
                spec.alpha(),
                spec.dropout(),
                spec.rslora(),
                spec.dora(),
                spec.initialisation(),
                TargetSection.of(spec.targets()),
                spec.rankPattern(),
                spec.alphaPattern(),
                spec.modulesToSave(),
                spec.learningRateRatio(),
                spec.riemannianEpsilon());
    }

    @Override
    public LoraSpec spec() {
        return new LoraSpec(
                target.targets(),
                rank,
                alpha,
                dropout,
                rslora,
                rankPattern,
                alphaPattern,
                initialisation,
                dora,
                modulesToSave,
                learningRateRatio,
                riemannianEpsilon);
    }
}
