package dev.espalier.checkpoint;

import java.io.IOException;

/** An action on a {@code T} that may fail with an input or output error. */
@FunctionalInterface
public interface IoConsumer<T> {
    void accept(T value) throws IOException;
}
