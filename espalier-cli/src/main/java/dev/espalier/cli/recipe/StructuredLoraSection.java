package dev.espalier.cli.recipe;

import dev.espalier.adapter.BlockLora;
import dev.espalier.adapter.BoostedLora;
import dev.espalier.adapter.DynamicRankLora;
import dev.espalier.adapter.GrowingLora;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.LoraStructure;
import dev.espalier.adapter.PartlyFrozenLora;
import dev.espalier.adapter.PyramidLora;
import dev.espalier.adapter.SquareLora;
import dev.espalier.adapter.StructuredLoraSpec;
import dev.espalier.adapter.TargetModules;
import java.util.List;
import java.util.Set;

/** LoRA whose factors have a structure of their own; see {@link StructuredLoraSpec}, which it becomes. */
public record StructuredLoraSection(
        String method,

        @Key(value = "Rank: the inner size of the two matrices, of one of them where there are several.", atLeast = 1)
        int rank,

        @Key(value = "The adapter's output is scaled by alpha / rank.", above = 0)
        double alpha,

        @Key(value = "Dropout on the adapter's input while training.", atLeast = 0, below = 1)
        double dropout,

        @Key(value = "Equal parts that inputs and outputs are cut into, each with matrices of its own.", atLeast = 1)
        int blocks,

        @Key(value = "Share of the rows of both matrices that stay as they were drawn.", atLeast = 0, below = 1)
        double frozenShare,

        @Key(value = "What the frozen rows are drawn from.", atLeast = 0)
        long freezeSeed,

        @Key(value = "Rounds of equal length; each trains new matrices on top of those before.", atLeast = 2)
        int rounds,

        @Key(value = "Ranks at first, over those that are left in the end.", atLeast = 1, below = 100)
        double excess,

        @Key(value = "Rank that a module has at most; rank is what modules have in the end, on average.", atLeast = 1)
        int maximumRank,

        @Key(value = "Steps from one growth to the next.", atLeast = 1)
        int interval,

        @Key(value = "Modules that get one more rank at a growth.", atLeast = 1)
        int modulesAtOnce,

        @Key(value = "Rank of what all layers share.", atLeast = 1)
        int globalRank,

        @Key(value = "Rank of what a third of the layers shares.", atLeast = 1)
        int groupRank,

        @Key(
                "How the input comes to the square matrix: as the sum of its chunks (sum), or chunk by chunk, each turned by its place (rotated).")
        SquareLora.Compression compression,

        @Inline TargetSection target)
        implements AdapterSection, Family {
    private static final Set<String> COMMON = Set.of("rank", "alpha", "dropout");

    /** The default section of every method. */
    static List<StructuredLoraSection> all() {
        return List.of(
                of(BlockLora.METHOD, LoraSpec.RANK),
                of(PartlyFrozenLora.METHOD, LoraSpec.RANK),
                of(BoostedLora.METHOD, 1),
                of(DynamicRankLora.METHOD, LoraSpec.RANK),
                of(GrowingLora.METHOD, LoraSpec.RANK),
                of(PyramidLora.METHOD, LoraSpec.RANK),
                of(SquareLora.METHOD, LoraSpec.RANK));
    }

    private static StructuredLoraSection of(String method, int rank) {
        return new StructuredLoraSection(
                method,
                rank,
                LoraSpec.ALPHA / LoraSpec.RANK * rank,
                LoraSpec.DROPOUT,
                4,
                .5,
                0,
                8,
                1.5,
                2 * LoraSpec.RANK,
                20,
                4,
                2,
                4,
                SquareLora.Compression.SUM,
                TargetSection.of(TargetModules.DEFAULT));
    }

    @Override
    public Method known() {
        return which().with(COMMON);
    }

    private Method which() {
        return switch (method) {
            case BlockLora.METHOD -> new Method("mini LoRAs on parts of inputs and outputs", Set.of("blocks"));
            case PartlyFrozenLora.METHOD ->
                new Method("LoRA with a random part frozen", Set.of("frozen-share", "freeze-seed"));
            case BoostedLora.METHOD -> new Method("LoRAs of rank 1, one after another", Set.of("rounds"));
            case DynamicRankLora.METHOD -> new Method("LoRA that loses its smallest components", Set.of("excess"));
            case GrowingLora.METHOD ->
                new Method(
                        "LoRA that gains ranks where they matter",
                        Set.of("maximum-rank", "interval", "modules-at-once"));
            case PyramidLora.METHOD ->
                new Method("LoRA shared by all, by thirds and by no layers", Set.of("global-rank", "group-rank"));
            case SquareLora.METHOD ->
                new Method("one square matrix with as many weights as LoRA's two", Set.of("compression"));
            default -> throw new IllegalStateException("no method " + method);
        };
    }

    private LoraStructure structure() {
        return switch (method) {
            case BlockLora.METHOD -> new BlockLora(blocks);
            case PartlyFrozenLora.METHOD -> new PartlyFrozenLora(frozenShare, freezeSeed);
            case BoostedLora.METHOD -> new BoostedLora(rounds);
            case DynamicRankLora.METHOD -> new DynamicRankLora(excess);
            case GrowingLora.METHOD -> new GrowingLora(maximumRank, interval, modulesAtOnce);
            case PyramidLora.METHOD -> new PyramidLora(globalRank, groupRank);
            case SquareLora.METHOD -> new SquareLora(compression);
            default -> throw new IllegalStateException("no method " + method);
        };
    }

    @Override
    public StructuredLoraSpec spec() {
        return new StructuredLoraSpec(target.targets(), structure(), rank, alpha, dropout);
    }
}
