package dev.espalier.adapter;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Which entries compete with each other for being kept. */
public enum SelectionScope {
    /** Those of each matrix: all keep the same share. */
    @JsonProperty("matrix")
    MATRIX,
    /** Those of all matrices: which keeps how many is decided by the scores alone. */
    @JsonProperty("global")
    GLOBAL
}
