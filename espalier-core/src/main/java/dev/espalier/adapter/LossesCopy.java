package dev.espalier.adapter;

import dev.espalier.routing.LoadBalanceLoss;

/** The {@link MixtureSpec.Losses} of a mixture while some of its parts change. */
final class LossesCopy {
    MixtureSpec.Balance balance;
    double coefficient;
    LoadBalanceLoss.Scale scale;
    LoadBalanceLoss.Scope scope;
    double localisation;
    boolean biasedVariance;
    double scores;
    double variance;
    double entropy;
    double consistency;
    double overlap;

    LossesCopy(MixtureSpec.Losses losses) {
        balance = losses.balance();
        coefficient = losses.coefficient();
        scale = losses.scale();
        scope = losses.scope();
        localisation = losses.localisation();
        biasedVariance = losses.biasedVariance();
        scores = losses.scores();
        variance = losses.variance();
        entropy = losses.entropy();
        consistency = losses.consistency();
        overlap = losses.overlap();
    }

    MixtureSpec.Losses losses() {
        return new MixtureSpec.Losses(
                balance,
                coefficient,
                scale,
                scope,
                localisation,
                biasedVariance,
                scores,
                variance,
                entropy,
                consistency,
                overlap);
    }
}
