package dev.espalier.data;

import java.util.List;

/** Turns the examples of one task into numbers. */
public interface TaskEncoder {
    /**
     * The examples in the same order, without those that are left out; {@link EncodedExample#id()} is the place in
     * {@code examples}.
     *
     * @throws dev.espalier.error.InputException with file and row, if one cannot be encoded
     */
    default List<EncodedExample> encode(List<Example> examples) {
        return encode(examples, "examples");
    }

    /**
     * As {@link #encode(List)}.
     *
     * @param what the log calls them, such as {@code training examples of task 'nouns'}
     */
    List<EncodedExample> encode(List<Example> examples, String what);
}
