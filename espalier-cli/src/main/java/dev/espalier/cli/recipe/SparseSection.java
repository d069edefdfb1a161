package dev.espalier.cli.recipe;

import dev.espalier.adapter.DensePhase;
import dev.espalier.adapter.KeptWeights;
import dev.espalier.adapter.SelectionPlan;
import dev.espalier.adapter.SelectionScope;
import dev.espalier.adapter.SparseSpec;
import dev.espalier.importance.SelectionScore;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A few entries or blocks of each weight are trained; see {@link SparseSpec}, which it becomes. */
public record SparseSection(
        String method,

        @Key(value = "Share of each weight matrix that is kept and trained.", above = 0, atMost = 1)
        double keepRatio,

        @Key(
                value = "Entries of each matrix are kept: as many as LoRA of this rank trains, rank * (in + out).",
                atLeast = 1)
        int rank,

        @Key(value = "Side of the square blocks that are kept or left as a whole; 0 for single entries.", atLeast = 0)
        int blockSize,

        @Key(
                "What decides which are kept; the largest win. With W the weight, D its trained change, g the gradient: sensitivity |D g|, signed-sensitivity D g, weight-sensitivity |(W + D) g|, gradient |g|, weight |W + D|, magnitude |D|, random, or structure (the diagonal and whole columns).")
        SelectionScore score,

        @Key(
                "Whether entries compete within their matrix, which all keep the same share of, or with those of all (global).")
        SelectionScope scope,

        @Key("Whether a matrix keeps nothing whose share of the best entries of all matrices is below the keep ratio.")
        boolean layerDrop,

        @Key(
                "Whether entries are chosen again and again in the first-epoch (or the first half of a run that is shorter), or once.")
        SelectionTime selection,

        @Key(value = "Steps from one selection to the next; whole matrices train up to the first.", atLeast = 1)
        int selectEvery,

        @Key(
                "How whole matrices train before the first selection: factored (each gradient is applied at once, second moments by row and column, no momentum) or adamw (by the run's optimizer, with dense gradients and moments).")
        DensePhase densePhase,

        @Key(value = "Share of the run for which whole matrices train.", above = 0, below = 1)
        double denseShare,

        @Key(
                value =
                        "Share of the kept entries that is replaced at a selection, falling to 0 over the run; all at first.",
                above = 0,
                atMost = 1)
        double dropShare,

        @Inline TargetSection target,

        @Key("Modules that train as a whole beside the adapter, such as lm_head: ends of their paths.")
        List<String> modulesToSave)
        implements AdapterSection, Family {
    private static final Set<String> COMMON = Set.of("modules-to-save");

    public SparseSection {
        modulesToSave = List.copyOf(modulesToSave);
    }

    /** The default section of every method. */
    static List<SparseSection> all() {
        return List.of(of(SparseSpec.sparse()), of(SparseSpec.shira()), of(SparseSpec.spiel()), of(SparseSpec.ltSft()));
    }

    private static SparseSection of(SparseSpec spec) {
        int every = spec.plan() instanceof SelectionPlan.DropAndGrow growth ? growth.every() : SparseSpec.SELECT_EVERY;
        return new SparseSection(
                spec.method(),
                spec.kept().ratio(),
                Math.max(1, spec.kept().rank()),
                spec.blockSize(),
                spec.score(),
                spec.scope(),
                spec.layerDrop(),
                SelectionTime.FIRST_EPOCH,
                every,
                DensePhase.FACTORED,
                spec.plan() instanceof SelectionPlan.Rewound rewound ? rewound.share() : .5,
                spec.plan() instanceof SelectionPlan.DropAndGrow growth ? growth.share() : .2,
                TargetSection.of(spec.targets()),
                spec.modulesToSave());
    }

    @Override
    public Method known() {
        return which().with(COMMON);
    }

    private Method which() {
        return switch (method) {
            case SparseSpec.SPARSE ->
                new Method(
                        "a few entries or blocks of each weight, chosen in the first epoch",
                        Set.of(
                                "keep-ratio",
                                "block-size",
                                "score",
                                "scope",
                                "layer-drop",
                                "selection",
                                "select-every",
                                "dense-phase"));
            case SparseSpec.SHIRA ->
                new Method("a few entries of each weight, chosen at the start", Set.of("rank", "score"));
            case SparseSpec.SPIEL ->
                new Method(
                        "a few entries of each weight, dropped and grown all along",
                        Set.of("keep-ratio", "block-size", "select-every", "drop-share"));
            case SparseSpec.LT_SFT ->
                new Method(
                        "the entries that full fine-tuning moved most, trained again",
                        Set.of("keep-ratio", "block-size", "scope", "layer-drop", "dense-share", "dense-phase"));
            default -> throw new IllegalStateException("no method " + method);
        };
    }

    private SelectionPlan plan() {
        return switch (method) {
            case SparseSpec.SPARSE ->
                new SelectionPlan.InFirstEpoch(selectEvery, selection == SelectionTime.ONCE, densePhase);
            case SparseSpec.SHIRA -> new SelectionPlan.AtStart();
            case SparseSpec.SPIEL -> new SelectionPlan.DropAndGrow(selectEvery, dropShare);
            case SparseSpec.LT_SFT -> new SelectionPlan.Rewound(denseShare, densePhase);
            default -> throw new IllegalStateException("no method " + method);
        };
    }

    @Override
    public SparseSpec spec() {
        var kept = method.equals(SparseSpec.SHIRA) ? KeptWeights.rank(rank) : new KeptWeights(keepRatio, 0, Map.of());
        return new SparseSpec(
                method, target.targets(), kept, blockSize, score, scope, layerDrop, plan(), modulesToSave);
    }
}
