package dev.espalier.data;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;
import java.util.Optional;

/** The parts of a task's examples. */
public enum Split {
    /** What is learned from. */
    @JsonProperty("train")
    TRAIN,
    /** What the best checkpoint is chosen by. */
    @JsonProperty("validation")
    VALIDATION,
    /** What the final score is of; nothing is chosen by it. */
    @JsonProperty("test")
    TEST;

    private static final Map<String, Split> NAMES = Map.of(
            "train", TRAIN,
            "training", TRAIN,
            "validation", VALIDATION,
            "valid", VALIDATION,
            "val", VALIDATION,
            "dev", VALIDATION,
            "test", TEST);

    /** The split that a data file calls so. */
    static Optional<Split> named(String name) {
        return Optional.ofNullable(NAMES.get(name));
    }
}
