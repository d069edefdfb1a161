package dev.espalier.route;

import dev.espalier.error.InputException;
import java.util.Optional;

/** How inputs come to a library's adapters. */
public sealed interface Routing {
    /** Adapters that act on a token or an input at most, unless told otherwise; of both papers. */
    int TOP_K = 3;

    /** At most so many adapters act on a token or an input. */
    int topK();

    /**
     * Every token at every linear by itself, by Arrow (Ostapenko et al.,
     * <a href="https://arxiv.org/abs/2405.11157">arXiv 2405.11157</a>): scores {@code |x · v_e|} with the adapters'
     * prototypes, and of the {@code topK} largest the softmax of score over temperature.
     *
     * @param temperature the higher, the more alike the weights
     */
    record Arrow(int topK, double temperature) implements Routing {
        public Arrow {
            check(topK);
            positive(temperature);
        }
    }

    /**
     * Every input as a whole, by LoraRetriever (Zhao et al.,
     * <a href="https://arxiv.org/abs/2402.09997">arXiv 2402.09997</a>, of which a summary was read): the adapters whose
     * samples' mean sentence embedding has the largest cosine with the input's. Their outputs are averaged, which is the
     * same sum as averaging their deltas; with a {@code topK} of 1 the nearest adapter acts alone.
     *
     * @param temperature of a softmax over the chosen cosines, which weighs them; empty for equal weights, as in the paper
     */
    record Retrieve(int topK, Optional<Double> temperature) implements Routing {
        public Retrieve {
            check(topK);
            temperature.ifPresent(Routing::positive);
        }
    }

    private static void check(int topK) {
        if (topK < 1) {
            throw new InputException("The number of adapters to choose must be at least 1, not " + topK + ".");
        }
    }

    private static void positive(double temperature) {
        if (!(temperature > 0 && Double.isFinite(temperature))) {
            throw new InputException("The temperature of routing must be above 0, not " + temperature + ".");
        }
    }
}
