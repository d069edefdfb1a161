package dev.espalier.data;

import java.util.List;

/** Turns the examples of one task into numbers. */
@FunctionalInterface
public interface TaskEncoder {
    /**
     * The examples in the same order, without those that are left out; {@link EncodedExample#id()} is the place in
     * {@code examples}.
     *
     * @throws dev.espalier.error.InputException with file and row, if one cannot be encoded
     */
    List<EncodedExample> encode(List<Example> examples);
}
