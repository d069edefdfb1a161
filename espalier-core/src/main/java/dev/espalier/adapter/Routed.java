package dev.espalier.adapter;

import dev.espalier.model.LinearDelta;

/** A delta whose experts a router weighs, token by token. */
interface Routed {
    /** How many experts there are. */
    int experts();

    /**
     * The same with weights that do not depend on the token.
     *
     * @param gates a weight for every expert, or for every rank of all of them, expert after expert
     * @return of the caller's scope, over the same experts
     */
    LinearDelta withGates(float[] gates);
}
