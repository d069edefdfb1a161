package dev.espalier.adapter;

import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * VeRA (Kopiczko et al., <a href="https://arxiv.org/abs/2310.11454">arXiv 2310.11454</a>):
 * {@code y += b ⊙ (B (d ⊙ A x))} with random {@code A [rank, in]} and {@code B [out, rank]} that stay frozen and that all
 * modules share. They are as large as the widest module needs; the others use their first columns and rows. Only the
 * vectors {@code d [rank]} and {@code b [out]} train, {@code b} from 0.
 *
 * @param dropout on the input of {@code A} in training
 * @param initialD what {@code d} starts at
 * @param projectionSeed what {@code A} and {@code B} are drawn from; the same as PEFT's {@code projection_prng_key}
 * @param saveProjection whether files hold {@code A} and {@code B}; without, they are drawn again from the seed
 * @param modulesToSave ends of the paths of modules that train as a whole
 */
public record VeraSpec(
        TargetModules targets,
        int rank,
        double dropout,
        double initialD,
        long projectionSeed,
        boolean saveProjection,
        List<String> modulesToSave)
        implements AdapterSpec {
    /** The name in recipes. */
    public static final String METHOD = "vera";

    /** PEFT's default. */
    public static final int RANK = 256;

    /** PEFT's default. */
    public static final double INITIAL_D = 0.1;

    public VeraSpec {
        Checks.positive("rank", rank);
        Checks.probability("dropout", dropout);
        Checks.notNegative("projection-seed", projectionSeed);
        modulesToSave = List.copyOf(modulesToSave);
    }

    /** Rank 256 on query and value. */
    public static VeraSpec defaults() {
        return new VeraSpec(TargetModules.DEFAULT, RANK, 0, INITIAL_D, 0, true, List.of());
    }

    public VeraSpec withTargets(TargetModules targets) {
        return new VeraSpec(targets, rank, dropout, initialD, projectionSeed, saveProjection, modulesToSave);
    }

    public VeraSpec withRank(int rank) {
        return new VeraSpec(targets, rank, dropout, initialD, projectionSeed, saveProjection, modulesToSave);
    }

    /** The same with other projections. */
    public VeraSpec withProjection(long seed, boolean save) {
        return new VeraSpec(targets, rank, dropout, initialD, seed, save, modulesToSave);
    }

    @Override
    public VeraSpec withModulesToSave(List<String> modulesToSave) {
        return new VeraSpec(targets, rank, dropout, initialD, projectionSeed, saveProjection, modulesToSave);
    }

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public boolean trains(String key) {
        return !key.endsWith("vera_A") && !key.endsWith("vera_B");
    }

    @Override
    public LinearDelta delta(Linear linear, DeltaWeights weights) {
        int in = linear.inFeatures();
        int out = linear.outFeatures();
        var shared = weights.shared();
        int widestIn = shared.widest(1);
        int widestOut = shared.widest(0);
        var projections = new VeraProjections(projectionSeed, rank, widestIn, widestOut);
        var a = saveProjection
                ? shared.weight("vera_A", false, random -> projections.a(), rank, widestIn)
                : shared.derived("vera_A", projections::a);
        var b = saveProjection
                ? shared.weight("vera_B", false, random -> projections.b(), widestOut, rank)
                : shared.derived("vera_B", projections::b);
        var rows = weights.weight("vera_lambda_b", StoredLayout.same(out), random -> Initialiser.zeros(out));
        var d = weights.weight(
                "vera_lambda_d",
                StoredLayout.same(rank),
                random -> torch.full(new long[] {rank}, new Scalar(initialD), Engine.options(ScalarType.Float)));
        return new ScaledRanksDelta(
                linear.name() + ".vera_dropout",
                new RankTriplets(weights.part(a, 1, in), d, weights.part(b, 0, out), null),
                rows,
                1,
                dropout);
    }
}
