package dev.espalier.data;

/** One input, the answer to it, and where both come from. */
public record Example(Input input, Target target, Origin origin) {}
