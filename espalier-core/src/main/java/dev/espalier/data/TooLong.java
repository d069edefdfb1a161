package dev.espalier.data;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What becomes of an example with more tokens than are allowed. */
public enum TooLong {
    /** It is left out; the log says how many were. */
    @JsonProperty("skip")
    SKIP,

    /**
     * Its beginning is cut: of a conversation the oldest turns after the system's, then the beginning of the last
     * question; of a prompt its first tokens. What is no longer a question then, for the response alone is too long, is
     * left out. A text without response loses its end.
     */
    @JsonProperty("truncate")
    TRUNCATE,

    /** As {@link #TRUNCATE}, but a response that is too long alone loses its end and is kept. */
    @JsonProperty("truncate-response")
    TRUNCATE_RESPONSE,

    /** It is an error. */
    @JsonProperty("error")
    ERROR
}
