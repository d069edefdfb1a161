package dev.espalier.model;

import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import java.util.List;
import java.util.Set;

/** A module that an adapter can hold a trained copy of, which acts in its place: PEFT's {@code modules_to_save}. */
public interface Copyable {
    /** The module's path. */
    String name();

    /** The module's own weights, named by their full paths. */
    List<Parameter> parameters();

    /**
     * Puts a copy in this module's place for {@code adapter}.
     *
     * @param parameters as {@link #parameters}, in this order and in these shapes, fp32
     * @param owner of what the copy makes beside them; it lives as long as the copy is used
     */
    void attachCopy(String adapter, List<Parameter> parameters, Owner owner);

    /** Takes the copy of {@code adapter} off, if there is one. */
    void detachCopy(String adapter);

    /** The adapters that have a copy here. */
    Set<String> copies();
}
