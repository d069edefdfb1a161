package dev.espalier.model;

import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import java.util.List;

/** Normalisation over the features of each token. */
interface Norm {
    /** {@code norm(x)}, {@code [tokens, features]}. */
    Variable forward(Variable x, ForwardContext context);

    List<Parameter> parameters();
}
