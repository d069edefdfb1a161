package dev.espalier.bench;

import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.MixtureSpec;
import dev.espalier.adapter.SparseSpec;
import dev.espalier.model.EncoderConfig;

/**
 * Floating-point operations that a training step requires, two for a multiply-add: frozen linears forward and for the
 * input's gradient where something below trains, attention, the adapter, the head at its labels. The classifier reads
 * first tokens only, so the last layer needs no more than keys and values of the others. Work that an implementation
 * does beyond that does not count.
 *
 * @param config with two layers at least
 * @param tokens of the batch, {@code rows} times {@code length}
 */
record Flops(EncoderConfig config, long rows, long length) {
    private long tokens() {
        return rows * length;
    }

    /** Frozen linears. */
    double linearsForward() {
        double d = config.hidden();
        double layer = 4 * d * d + 2 * d * config.intermediate();
        double last = 2 * d * d * tokens() + (layer - 2 * d * d) * rows;
        return 2.0 * ((config.layers() - 1) * layer * tokens() + last);
    }

    /** In the first layer nothing below query, key and value trains. */
    double linearsBackward() {
        double d = config.hidden();
        return linearsForward() - 2.0 * 3 * d * d * tokens();
    }

    /** Scores and values forward, four products backward, three where the keys need no gradient. */
    double attention() {
        double product = 2.0 * tokens() * length * config.hidden();
        return product * (6 * (config.layers() - 1) - 1) + 6 * product / length;
    }

    /** LoRA on linears that are as wide as so many square ones: two products forward, four backward, three where the input needs no gradient. */
    double lora(LoraSpec spec, double squaresInLayer) {
        return lowRank(spec.rank(), squaresInLayer);
    }

    /** A mixture: the experts a token is given, and the router. */
    double mixture(MixtureSpec spec, double squaresInLayer) {
        double scores = 2.0 * tokens() * spec.experts().count() * config.hidden();
        return lowRank(spec.activeRank(), squaresInLayer) + squaresInLayer * scores * (3 * config.layers() - 1);
    }

    /** Kept entries: a product forward and two backward, one where the input needs no gradient. */
    double sparse(SparseSpec spec, double squaresInLayer) {
        double d = config.hidden();
        double share = spec.kept().rank() > 0
                ? 2.0 * spec.kept().rank() / d
                : spec.kept().ratio();
        return squaresInLayer * 2.0 * tokens() * share * d * d * (3 * config.layers() - 1);
    }

    /** The gradients of whole linears. */
    double full(double squaresInLayer) {
        return squaresInLayer * 2.0 * tokens() * config.hidden() * config.hidden() * config.layers();
    }

    private double lowRank(int rank, double squaresInLayer) {
        double product = 2.0 * tokens() * rank * config.hidden();
        return squaresInLayer * product * (6 * config.layers() - 1);
    }

    /** The pooler and the classifier, forward and backward, a row each. */
    double head(int labels) {
        double d = config.hidden();
        return 3 * 2.0 * rows * (d * d + d * labels);
    }
}
