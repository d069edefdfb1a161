package dev.espalier.optim;

import dev.espalier.error.InputException;

/** The gradients cannot be applied: their norm is infinite or not a number. */
public final class NonFiniteGradientException extends InputException {
    private static final long serialVersionUID = 1L;

    private final double norm;

    NonFiniteGradientException(double norm, String where) {
        super("The gradient norm is " + norm + " " + where
                + ": lower the learning rate, or clip gradients at a smaller norm.");
        this.norm = norm;
    }

    /** Infinite or not a number. */
    public double norm() {
        return norm;
    }
}
