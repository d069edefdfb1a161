package dev.espalier.adapter;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * How a router comes from what it looks at to its scores, whatever that is: see {@link MixtureSpec.Scorer}.
 *
 * @param hidden units of {@link Kind#MLP} between its two layers
 * @param temperature of {@link Kind#PROTOTYPE}: what cosines are divided by
 */
public record RouterForm(Kind kind, int hidden, double temperature) {
    /** A linear map, as in nearly all methods, and what else there might be. */
    public static final RouterForm DEFAULT = new RouterForm(Kind.LINEAR, 32, .1);

    /** The form of the map. */
    public enum Kind {
        /** {@link dev.espalier.routing.LinearScorer}. */
        @JsonProperty("linear")
        LINEAR,

        /** {@link dev.espalier.routing.MlpScorer}. */
        @JsonProperty("mlp")
        MLP,

        /** {@link dev.espalier.routing.PrototypeScorer}. */
        @JsonProperty("prototype")
        PROTOTYPE,

        /** {@link dev.espalier.routing.ArrowScorer}. */
        @JsonProperty("arrow")
        ARROW
    }

    public RouterForm {
        Checks.positive("router-hidden", hidden);
        Checks.positive("router-temperature", temperature);
    }
}
