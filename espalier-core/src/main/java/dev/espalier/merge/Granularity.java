package dev.espalier.merge;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Among which numbers of an adapter magnitudes are ranked. */
public enum Granularity {
    /** Those of each row of a matrix apart. */
    @JsonProperty("row")
    ROW,

    /** Those of each weight apart. */
    @JsonProperty("tensor")
    TENSOR,

    /** All of the adapter. */
    @JsonProperty("global")
    GLOBAL
}
