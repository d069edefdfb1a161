package dev.espalier.data;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What a model answers for an input; it decides head, loss and metrics. */
public enum TaskKind {
    /** One label of several. */
    @JsonProperty("single-label")
    SINGLE_LABEL("single_label_classification"),

    /** One of the input's own candidates. */
    @JsonProperty("choice")
    CHOICE("multiple_choice"),

    /** Each label applies or does not. */
    @JsonProperty("multi-label")
    MULTI_LABEL("multi_label_classification"),

    /** A number. */
    @JsonProperty("regression")
    REGRESSION("regression"),

    /** A label for each word. */
    @JsonProperty("token-labels")
    TOKEN_LABELS("token_classification"),

    /** A text, token by token. */
    @JsonProperty("causal-lm")
    CAUSAL_LM("text_generation");

    private final String problemType;

    TaskKind(String problemType) {
        this.problemType = problemType;
    }

    /** Hugging Face's {@code problem_type}; for a label per word and for a text, which have none there, the name of its pipeline. */
    public String problemType() {
        return problemType;
    }
}
