package dev.espalier.train;

import dev.espalier.data.Input;
import dev.espalier.model.SequenceGuide;
import java.util.List;

/** Decides by what inputs say, before any pass, what their passes are given beside the tokens: retrieval, say. */
@FunctionalInterface
public interface InputGuide extends AutoCloseable {
    /** Gives nothing. */
    InputGuide NONE = inputs -> SequenceGuide.NONE;

    /** What {@code inputs} are given, by their places in the list. */
    SequenceGuide of(List<Input> inputs);

    @Override
    default void close() {}
}
