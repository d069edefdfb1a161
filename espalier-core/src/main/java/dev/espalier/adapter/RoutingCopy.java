package dev.espalier.adapter;

import dev.espalier.routing.Activation;
import dev.espalier.routing.RouterNoise;
import java.util.Optional;

/** The {@link MixtureSpec.Routing} of a mixture while some of its parts change. */
final class RoutingCopy {
    MixtureSpec.Scorer scorer;
    RouterForm form;
    Activation activation;
    MixtureSpec.Choice choice;
    int topK;
    Optional<Double> threshold;
    boolean perRank;
    boolean renormalise;
    double expertDropout;
    Optional<Double> capacityFactor;
    boolean capacityInEvaluation;
    double biasStep;
    boolean soleRouter;
    RouterNoise noise;
    boolean rootGradient;

    RoutingCopy(MixtureSpec.Routing routing) {
        scorer = routing.scorer();
        form = routing.form();
        activation = routing.activation();
        choice = routing.choice();
        topK = routing.topK();
        threshold = routing.threshold();
        perRank = routing.perRank();
        renormalise = routing.renormalise();
        expertDropout = routing.expertDropout();
        capacityFactor = routing.capacityFactor();
        capacityInEvaluation = routing.capacityInEvaluation();
        biasStep = routing.biasStep();
        soleRouter = routing.soleRouter();
        noise = routing.noise();
        rootGradient = routing.rootGradient();
    }

    MixtureSpec.Routing routing() {
        return new MixtureSpec.Routing(
                scorer,
                form,
                activation,
                choice,
                topK,
                threshold,
                perRank,
                renormalise,
                expertDropout,
                capacityFactor,
                capacityInEvaluation,
                biasStep,
                soleRouter,
                noise,
                rootGradient);
    }
}
