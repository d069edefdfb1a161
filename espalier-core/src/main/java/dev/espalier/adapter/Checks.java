package dev.espalier.adapter;

import dev.espalier.error.InputException;

/** Range checks of specs, by the names their keys have in recipes. */
final class Checks {
    private Checks() {}

    static void positive(String key, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new InputException(key + " must be greater than 0, not " + number(value) + ".");
        }
    }

    static void notNegative(String key, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new InputException(key + " must be a number from 0 up, not " + number(value) + ".");
        }
    }

    static void probability(String key, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new InputException(key + " must be at least 0 and below 1, not " + number(value) + ".");
        }
    }

    /** Whole numbers without a fraction, as people write them. */
    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }
}
