package dev.espalier.model;

import java.util.List;
import java.util.Map;

/** A module that adapters can change: each of them attaches one delta under its name. */
public sealed interface Adaptable<D extends Delta> permits Linear, Embedding {
    /** The module's path, such as {@code model.layers.0.self_attn.q_proj}. */
    String name();

    /** {@code [out, in]} of a linear, {@code [count, features]} of an embedding. */
    List<Integer> shape();

    /** Attaches {@code delta} under the adapter's name; it acts from the next forward pass on, after those before it. */
    void attach(String adapter, D delta);

    /** Takes the delta of {@code adapter} off, if there is one. */
    void detach(String adapter);

    /** The attached deltas by adapter, in the order they act. */
    Map<String, D> deltas();
}
