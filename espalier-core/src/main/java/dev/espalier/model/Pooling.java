package dev.espalier.model;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How a sequence becomes one vector before the classifier. */
public enum Pooling {
    /** As the family does it: the first token through a dense layer and tanh. */
    @JsonProperty("default")
    DEFAULT,

    /** The first token as it is. */
    @JsonProperty("cls")
    CLS,

    /** The mean over the tokens that are not padding. */
    @JsonProperty("mean")
    MEAN
}
