package dev.espalier.merge;

import dev.espalier.error.InputException;
import dev.espalier.evaluate.Metric;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.apache.commons.math3.exception.TooManyEvaluationsException;
import org.apache.commons.math3.optim.InitialGuess;
import org.apache.commons.math3.optim.MaxEval;
import org.apache.commons.math3.optim.SimpleBounds;
import org.apache.commons.math3.optim.nonlinear.scalar.GoalType;
import org.apache.commons.math3.optim.nonlinear.scalar.ObjectiveFunction;
import org.apache.commons.math3.optim.nonlinear.scalar.noderiv.CMAESOptimizer;
import org.apache.commons.math3.random.Well19937c;

/**
 * Finds the adapters' weights that do best, without gradients, as LoraHub does (Huang et al.,
 * <a href="https://arxiv.org/abs/2307.13269">arXiv 2307.13269</a>): weights in [-1.5, 1.5] that start at 0, and a small penalty
 * on their mean magnitude. The optimizer is CMA-ES (Hansen and Ostermeier, 2001).
 *
 * @param evaluations how often a merge is scored at most
 * @param penalty on the mean magnitude of the weights, LoraHub's is 0.05
 * @param seed the same seed, the same merges
 */
public record WeightSearch(int evaluations, double penalty, long seed) {
    /** The largest magnitude of a weight. */
    public static final double LIMIT = 1.5;

    /** LoraHub's number of evaluations and penalty. */
    public static final WeightSearch DEFAULT = new WeightSearch(40, 0.05, 0);

    private static final double SPREAD = 0.5;
    private static final int ITERATIONS = 1_000_000;
    private static final int CHECK_FEASIBLE = 1;
    /** No score is good enough to stop at. */
    private static final double ANY_SCORE = 0;

    public WeightSearch {
        if (evaluations < 2) {
            throw new InputException("A search of weights needs at least 2 evaluations, not " + evaluations + ".");
        }
    }

    /**
     * Weights that were tried.
     *
     * @param score without the penalty
     */
    public record Tried(List<Double> weights, double score) {}

    /**
     * Searches.
     *
     * @param adapters how many weights there are
     * @param score of weights on validation data; higher is better, NaN where it is not defined
     * @return all that were tried, in order; {@link #best} chooses
     */
    public List<Tried> run(int adapters, ToDoubleFunction<List<Double>> score) {
        var tried = new ArrayList<Tried>();
        var optimizer =
                new CMAESOptimizer(ITERATIONS, ANY_SCORE, true, 0, CHECK_FEASIBLE, new Well19937c(seed), false, null);
        try {
            optimizer.optimize(
                    new MaxEval(evaluations),
                    new ObjectiveFunction(point -> penalised(tried, point, score)),
                    GoalType.MAXIMIZE,
                    new InitialGuess(new double[adapters]),
                    new SimpleBounds(filled(adapters, -LIMIT), filled(adapters, LIMIT)),
                    new CMAESOptimizer.Sigma(filled(adapters, SPREAD)),
                    new CMAESOptimizer.PopulationSize(4 + (int) (3 * Math.log(adapters))));
        } catch (TooManyEvaluationsException e) {
            // That is how a search ends.
        }
        return Collections.unmodifiableList(tried);
    }

    private double penalised(List<Tried> tried, double[] point, ToDoubleFunction<List<Double>> score) {
        var weights = Arrays.stream(point).boxed().toList();
        var found = new Tried(weights, score.applyAsDouble(weights));
        tried.add(found);
        return penalised(found);
    }

    private double penalised(Tried tried) {
        double magnitude =
                tried.weights.stream().mapToDouble(Math::abs).average().orElse(0);
        return tried.score - penalty * magnitude;
    }

    /** The best of what was tried, the penalty counted; what has no score only where nothing has. */
    public Tried best(List<Tried> tried) {
        return tried.stream()
                .max(Comparator.comparing(this::penalised, Metric.HIGHER_IS_BETTER))
                .orElseThrow();
    }

    private static double[] filled(int count, double value) {
        var values = new double[count];
        Arrays.fill(values, value);
        return values;
    }
}
