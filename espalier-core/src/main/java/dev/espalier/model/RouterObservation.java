package dev.espalier.model;

/**
 * What the router of one module did in one pass, over all tokens that are not padding.
 *
 * @param module the module's path
 * @param chosen how often each expert was chosen, before capacity
 * @param kept how often each expert took the token that chose it
 * @param mass the gates of each expert before dropout and choice, summed over tokens
 * @param tokens how many tokens were routed
 * @param entropySum entropy of the gate's distribution in nats, summed over tokens
 */
public record RouterObservation(
        String module, long[] chosen, long[] kept, double[] mass, long tokens, double entropySum) {}
