package dev.espalier.model;

import dev.espalier.tensor.Variable;

/**
 * What a head gets of one pass.
 *
 * @param hidden {@code [rows * tokens, hidden]}, or {@code [rows, hidden]} of the first tokens alone
 * @param context of the pass, for as many tokens
 */
public record HeadInput(Variable hidden, ForwardContext context) {}
