package dev.espalier.merge;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.merge.Sparsifier.Magnitude;
import dev.espalier.merge.Sparsifier.Random;
import dev.espalier.merge.Sparsifier.RankProbability;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The merges of the literature by name, as compositions of the axes of {@link MergeMethod}, with their papers' defaults. */
public final class MergeMethods {
    /** TIES keeps 20 % of each expert. */
    public static final double TIES_DENSITY = 0.2;

    /** Task arithmetic on many tasks. */
    public static final double TASK_ARITHMETIC_LAMBDA = 0.4;

    private static final double HALF = 0.5;

    private static final Map<String, Named> ALL = named();

    private MergeMethods() {}

    /**
     * A method and where it is from.
     *
     * @param summary a line for lists
     * @param source paper or program
     */
    public record Named(MergeMethod method, String summary, String source) {}

    /** All methods, in the order of lists. */
    public static Map<String, Named> all() {
        return ALL;
    }

    /**
     * The method called {@code name}, hyphens and underscores alike, with its defaults.
     *
     * @throws InputException if there is none; it names the nearest
     */
    public static MergeMethod of(String name) {
        var found = ALL.get(name.replace('_', '-'));
        if (found == null) {
            throw new InputException("There is no merge method '" + name + "'. Did you mean '"
                    + Nearest.to(name, ALL.keySet(), 1).get(0) + "'? There are " + String.join(", ", ALL.keySet())
                    + ".");
        }
        return found.method;
    }

    private static Map<String, Named> named() {
        var all = new LinkedHashMap<String, Named>();
        ours().forEach(named -> all.put(named.method.name(), named));
        pefts().forEach(named -> all.put(named.method.name(), named));
        return Collections.unmodifiableMap(all);
    }

    private static Named named(MergeMethod method, String summary, String source) {
        return new Named(method, summary, source);
    }

    private static MergeMethod sum(String name) {
        return MergeMethod.sum(name);
    }

    private static MergeMethod elected(String name) {
        return sum(name).withConsensus(Consensus.SIGN_OF_SUM).withCombination(Combination.OVERLAP_MEAN);
    }

    private static MergeMethod knots(MergeMethod method) {
        return method.withRepresentation(Representation.KNOTS);
    }

    private static List<Named> ours() {
        var ties = new Magnitude(0, TIES_DENSITY, Granularity.GLOBAL);
        var tiesPerTensor = new Magnitude(0, TIES_DENSITY, Granularity.TENSOR);
        var dare = new Random(HALF, true);
        var della = new RankProbability(HALF, 0.1, true);
        var breadcrumbs = new Magnitude(0.01, 0.85, Granularity.ROW);
        return List.of(
                named(
                        sum("average").withCombination(Combination.MEAN),
                        "the (weighted) mean of the changes",
                        "Wortsman et al., arXiv 2203.05482"),
                named(
                        sum("task-arithmetic").withLambda(TASK_ARITHMETIC_LAMBDA),
                        "lambda times the sum",
                        "Ilharco et al., arXiv 2212.04089"),
                named(
                        elected("ties").withSparsifier(ties),
                        "the largest of each, elected signs, mean of those that agree",
                        "Yadav et al., arXiv 2306.01708"),
                named(
                        sum("dare-linear").withSparsifier(dare),
                        "a random share of each, rescaled, summed",
                        "Yu et al., arXiv 2311.03099"),
                named(
                        elected("dare-ties").withSparsifier(dare),
                        "a random share of each, rescaled, elected signs, mean of those that agree",
                        "Yu et al., arXiv 2311.03099"),
                named(
                        elected("della").withSparsifier(della),
                        "a random share of each by rank of magnitude, elected signs, mean of those that agree",
                        "Deep et al., arXiv 2406.11617"),
                named(
                        sum("della-linear").withSparsifier(della),
                        "a random share of each by rank of magnitude, summed",
                        "Deep et al., arXiv 2406.11617"),
                named(
                        sum("breadcrumbs").withSparsifier(breadcrumbs).withLambda(TASK_ARITHMETIC_LAMBDA),
                        "each row without its largest and smallest, lambda times the sum",
                        "Davari and Belilovsky, arXiv 2312.06795"),
                named(
                        sum("slerp").withCombination(Combination.SLERP),
                        "spherical interpolation, two after two",
                        "Shoemake, SIGGRAPH 1985"),
                named(
                        sum("overlap-mean").withCombination(Combination.OVERLAP_MEAN),
                        "mean over the adapters that have something there",
                        "sparse adapters, arXiv 2507.07140"),
                named(
                        knots(elected("knots-ties").withSparsifier(tiesPerTensor)),
                        "ties in the shared basis of all changes",
                        "Stoica et al., arXiv 2410.19735"),
                named(
                        knots(elected("knots-dare-ties").withSparsifier(dare)),
                        "dare-ties in the shared basis of all changes",
                        "Stoica et al., arXiv 2410.19735"),
                named(
                        sum("tsv-m").withRepresentation(Representation.TSV),
                        "the main singular triples of each, made orthogonal, summed",
                        "Gargiulo et al., arXiv 2412.00081"),
                named(
                        sum("emr").withConsensus(Consensus.SIGN_OF_SUM).withCombination(Combination.MAX),
                        "elected signs, the largest of those that agree; with a mask and a factor for each task",
                        "Huang et al., arXiv 2405.17461"),
                named(
                        sum("magnitude-prune").withSparsifier(new Magnitude(0, HALF, Granularity.TENSOR)),
                        "the largest of each, summed",
                        "PEFT"));
    }

    private static List<Named> pefts() {
        var trimmed = new Magnitude(0, HALF, Granularity.TENSOR);
        var random = new Random(HALF, true);
        var factors =
                sum("peft-linear").withRepresentation(Representation.FACTORS).withWeighting(Weighting.LAST);
        var elected = elected("peft-ties").withWeighting(Weighting.LAST);
        var doubled = sum("peft-svd").withWeighting(Weighting.LAST).withScalingTwice(true);
        var doubledElected =
                elected("peft-ties-svd").withWeighting(Weighting.LAST).withScalingTwice(true);
        return List.of(
                peft(factors, "linear"),
                peft(sum("peft-cat").withWeighting(Weighting.LAST), "cat"),
                peft(elected.withRepresentation(Representation.FACTORS).withSparsifier(trimmed), "ties"),
                peft(factors.withSparsifier(random), "dare_linear"),
                peft(elected.withRepresentation(Representation.FACTORS).withSparsifier(random), "dare_ties"),
                peft(factors.withSparsifier(trimmed), "magnitude_prune"),
                peft(doubled, "svd"),
                peft(doubledElected.withSparsifier(trimmed), "ties_svd"),
                peft(doubled.withSparsifier(random), "dare_linear_svd"),
                peft(doubledElected.withSparsifier(random), "dare_ties_svd"),
                peft(doubled.withSparsifier(trimmed), "magnitude_prune_svd"));
    }

    private static Named peft(MergeMethod method, String type) {
        var summary = method.representation() == Representation.FACTORS
                ? "on the factors A and B apart, with cross terms"
                : method.scalingTwice()
                        ? "on whole changes, the adapters' scaling counted twice"
                        : "factors side by side";
        return new Named(
                method.withName("peft-" + type.replace('_', '-')), summary, "PEFT's combination_type \"" + type + "\"");
    }
}
