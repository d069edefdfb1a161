package dev.espalier.data;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The tokens that a causal language model learns to predict. */
public enum LossOn {
    /** What the assistant says in each of its turns, with the token that ends the turn. */
    @JsonProperty("responses")
    RESPONSES,

    /** Every token, prompts and all. */
    @JsonProperty("all")
    ALL
}
