package dev.espalier.model;

import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/** A norm with a name, in whose place trained copies may act. */
final class CopyableNorm implements Norm, Copyable {
    private final String name;
    private final List<Parameter> parameters;
    private final Function<List<Parameter>, Norm> make;
    private final Norm own;
    private final Copies<Norm> copies = new Copies<>();

    /**
     * @param make the norm of given weights
     */
    CopyableNorm(String name, List<Parameter> parameters, Function<List<Parameter>, Norm> make) {
        this.name = name;
        this.parameters = parameters;
        this.make = make;
        own = make.apply(parameters);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Parameter> parameters() {
        return parameters;
    }

    @Override
    public void attachCopy(String adapter, List<Parameter> weights, Owner owner) {
        copies.attach(adapter, make.apply(weights));
    }

    @Override
    public void detachCopy(String adapter) {
        copies.detach(adapter);
    }

    @Override
    public Set<String> copies() {
        return copies.names();
    }

    /** Whether a trained copy is attached, or the norm itself is to train. */
    boolean trains() {
        return !copies.isEmpty() || parameters.stream().anyMatch(Parameter::trainable);
    }

    @Override
    public Variable forward(Variable x, ForwardContext context) {
        return copies.run(own, context, norm -> norm.forward(x, context));
    }
}
