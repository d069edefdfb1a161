package dev.espalier.allocation;

import dev.espalier.error.InputException;

/** The size of a weight matrix {@code [out, in]}. */
public record MatrixShape(int out, int in) {
    /** @throws InputException if a size is not positive */
    public MatrixShape {
        if (out < 1 || in < 1) {
            throw new InputException("A matrix cannot have the shape [" + out + ", " + in + "].");
        }
    }
}
