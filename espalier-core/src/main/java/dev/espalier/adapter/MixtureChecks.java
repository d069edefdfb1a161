package dev.espalier.adapter;

import dev.espalier.adapter.MixtureSpec.Choice;
import dev.espalier.adapter.MixtureSpec.Initialisation;
import dev.espalier.adapter.MixtureSpec.Kind;
import dev.espalier.adapter.MixtureSpec.Scorer;
import dev.espalier.error.InputException;

/** Which choices on the axes of a {@link MixtureSpec} go together. */
final class MixtureChecks {
    private MixtureChecks() {}

    /** @throws InputException if some do not */
    static void require(
            MixtureSpec.Experts experts, MixtureSpec.Routing routing, MixtureSpec.Losses losses, MixtureStages stages) {
        if (routing.choice() == Choice.TOP_K
                && routing.topK() > experts.count()
                && experts.byDepth().isEmpty()) {
            throw new InputException("top-k " + routing.topK() + " is more than the " + experts.count()
                    + " experts; a token can be given each expert once.");
        }
        if (routing.scorer() == Scorer.MODULES && experts.count() != 1) {
            throw new InputException("Where the modules of a layer are its experts, each has one, not "
                    + experts.count() + "; set experts to 1, or choose another scorer.");
        }
        if (experts.initialisation() == Initialisation.SVD_SEGMENTS && experts.kind() != Kind.LORA) {
            throw new InputException("The initialisation svd-segments is one of experts with both factors of their own,"
                    + " not of " + experts.kind() + "; choose another.");
        }
        if (routing.scorer() == Scorer.RANDOM
                && (experts.kind() != Kind.LORA || experts.initialisation() == Initialisation.SVD_SEGMENTS)) {
            throw new InputException(
                    "Experts that are drawn at random are of kind lora and start as one, so that they can"
                            + " be averaged, not of " + experts.kind() + " and " + experts.initialisation()
                            + "; choose another scorer.");
        }
        if (experts.kind() == Kind.SCALE
                && (losses.overlap() > 0 || experts.riemannianEpsilon() > 0 || routing.rootGradient())) {
            throw new InputException("Experts that are vectors have no low-rank factors, which overlap-coefficient,"
                    + " riemannian-epsilon and root-gradient are for; leave these out, or choose another kind.");
        }
        if (stages.any() && routing.choice() == Choice.TOP_K && routing.topK() == 1 && routing.renormalise()) {
            throw new InputException(
                    "With top-k 1 and renormalise every gate is 1, so a router that trains by itself would"
                            + " learn nothing; set renormalise to false, or raise top-k.");
        }
        if (stages.any()
                && (experts.kind() != Kind.LORA
                        || (routing.scorer() != Scorer.TOKEN && routing.scorer() != Scorer.SEQUENCE))) {
            throw new InputException(
                    "Stages are for experts of kind lora and a router of each token or sequence, not for "
                            + experts.kind() + " and " + routing.scorer() + "; change them.");
        }
        if (routing.perRank() && routing.choice() != Choice.ALL) {
            throw new InputException("A gate for every rank goes with all experts chosen, not with " + routing.choice()
                    + "; switch one of them off.");
        }
    }
}
