package dev.espalier.cli;

import dev.espalier.cli.recipe.MergeFormat;
import dev.espalier.cli.recipe.MergeRecipe;
import dev.espalier.cli.recipe.MergeSearchSection;
import dev.espalier.cli.recipe.MergeSection;
import dev.espalier.cli.recipe.MergedAdapterSection;
import dev.espalier.error.InputException;
import dev.espalier.merge.Granularity;
import dev.espalier.merge.MergeMethods;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code espalier merge} in place of a recipe. */
final class MergeOptions {
    @Option(
            names = "--method",
            paramLabel = "METHOD",
            completionCandidates = Methods.class,
            description = "How: ${COMPLETION-CANDIDATES}. Default ties.")
    private @Nullable String method;

    @Option(
            names = "--weights",
            paramLabel = "W",
            split = ",",
            description = "The adapters' weights, in their order. Default: 1 each.")
    private @Nullable List<Double> weights;

    @Option(
            names = "--density",
            paramLabel = "D",
            description = "The share of each adapter's change that takes part. Default: the method's own.")
    private @Nullable Double density;

    @Option(
            names = "--granularity",
            paramLabel = "G",
            description = "Rank magnitudes by row, tensor or global. Default: the method's own.")
    private @Nullable Granularity granularity;

    @Option(names = "--lambda", paramLabel = "L", description = "Factor on the result. Default: the method's own.")
    private @Nullable Double lambda;

    @Option(
            names = "--gamma",
            paramLabel = "G",
            description = "breadcrumbs: share of the largest left out. Default 0.01.")
    private @Nullable Double gamma;

    @Option(names = "--epsilon", paramLabel = "E", description = "della: spread of the probabilities. Default 0.1.")
    private @Nullable Double epsilon;

    @Option(names = "-t", paramLabel = "T", description = "slerp: where between two adapters. Default 0.5.")
    private @Nullable Double t;

    @Option(
            names = "--routed",
            description =
                    "Weigh the experts of a mixture by how much the router of its run used them. Default: all the same.")
    private boolean routed;

    @Option(
            names = "--base",
            paramLabel = "MODEL",
            description = "The base model, a folder or a name. Default: the one that the adapters name.")
    private @Nullable String base;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "What is written: lora (the default), concat, sparse, full, dense or masks.")
    private @Nullable MergeFormat format;

    @Option(
            names = "--rank",
            paramLabel = "R",
            description = "Of format lora. Default: the largest of the adapters that have one, else 16.")
    private @Nullable Integer rank;

    @Option(names = "--seed", paramLabel = "N", description = "Draws what methods drop at random. Default 0.")
    private @Nullable Long seed;

    @Option(
            names = "--search",
            paramLabel = "WHAT",
            split = ",",
            arity = "0..1",
            fallbackValue = "lambda",
            description =
                    "Search lambda, density or weights on the validation data of the adapters' runs, or several of them with commas between. Without WHAT, lambda.")
    private List<Searched> search = new ArrayList<>();

    /** What can be searched. */
    enum Searched {
        LAMBDA,
        DENSITY,
        WEIGHTS
    }

    static final class Methods implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return MergeMethods.all().keySet().iterator();
        }
    }

    /** Whether any of them was given. */
    boolean isEmpty() {
        return method == null
                && weights == null
                && density == null
                && granularity == null
                && lambda == null
                && gamma == null
                && epsilon == null
                && t == null
                && base == null
                && !routed
                && format == null
                && rank == null
                && seed == null
                && search.isEmpty();
    }

    /**
     * The recipe that the options stand for.
     *
     * @throws InputException if they do not go together
     */
    MergeRecipe recipe(List<Path> adapters) {
        if (weights != null && weights.isEmpty()) {
            throw new InputException(
                    "--weights names no weight; give one for each adapter, in their order, such as --weights 0.5,0.5.");
        }
        if (weights != null && weights.size() != adapters.size()) {
            throw new InputException("There are " + weights.size() + " --weights and " + adapters.size()
                    + " adapters; give one weight for each adapter, in their order.");
        }
        var sections = new ArrayList<MergedAdapterSection>();
        for (int i = 0; i < adapters.size(); i++) {
            sections.add(new MergedAdapterSection(
                    adapters.get(i).toString(),
                    null,
                    weights == null ? 1 : weights.get(i),
                    routed ? MergeInputs.RUN : null));
        }
        var defaults = MergeRecipe.DEFAULT;
        var recipe = new MergeRecipe(
                base,
                sections,
                method == null ? defaults.method() : method,
                new MergeSection(density, granularity, lambda, gamma, epsilon, t),
                List.of(),
                seed == null ? defaults.seed() : seed,
                format == null ? defaults.format() : format,
                rank,
                searched(),
                null);
        recipe.plan();
        return recipe;
    }

    private MergeSearchSection searched() {
        var none = MergeSearchSection.NONE;
        return new MergeSearchSection(
                search.contains(Searched.LAMBDA) ? MergeSearchSection.LAMBDAS : null,
                search.contains(Searched.DENSITY) ? MergeSearchSection.DENSITIES : null,
                search.contains(Searched.WEIGHTS),
                none.evaluations(),
                none.limit(),
                List.of());
    }
}
