package dev.espalier.data;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How the rows of a causal language model's data are built. */
public enum TextFormat {
    /**
     * A conversation: a list of {@code {"role", "content"}}, or of {@code {"from", "value"}} as ShareGPT has it.
     */
    @JsonProperty("chat")
    CHAT,

    /** An instruction, perhaps with an input, and the response, as of Alpaca. */
    @JsonProperty("instruction")
    INSTRUCTION,

    /** A prompt and what follows it at once. */
    @JsonProperty("prompt-completion")
    PROMPT_COMPLETION,

    /** An input and the output to it. */
    @JsonProperty("input-output")
    INPUT_OUTPUT,

    /** One text, all of which is learned. */
    @JsonProperty("text")
    TEXT
}
