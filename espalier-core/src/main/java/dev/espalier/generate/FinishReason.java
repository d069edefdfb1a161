package dev.espalier.generate;

/** Why an answer ended. */
public enum FinishReason {
    /** The model wrote a stop token. */
    STOP_TOKEN,
    /** The text came to a stop string. */
    STOP_STRING,
    /** It has as many tokens as were asked for. */
    MAX_NEW_TOKENS,
    /** Prompt and answer fill the model's context. */
    CONTEXT_FULL,
    /** Whoever asked wanted no more of it: see {@link Conversation#interrupt}. */
    INTERRUPTED
}
