package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The deltas of one adapter and their weights, which it owns. It acts on the model it is attached to while it is
 * enabled; several adapters, of different names, may be attached to one model at once and add up in the order they were
 * enabled. None of this may happen during a forward pass.
 */
public final class Adapter implements AutoCloseable {
    private final String name;
    private final AdapterSpec spec;
    private final Map<String, Module> modules;
    private final Owner owner;
    private @Nullable Map<Linear, LinearDelta> attached;
    private boolean enabled;
    private Map<String, JsonNode> savedKeys = Map.of();

    /** The delta of one linear, the shape of that linear, and the delta's weights. */
    record Module(LinearDelta delta, int inFeatures, int outFeatures, List<DeltaWeights.Stored> weights) {}

    private Adapter(String name, AdapterSpec spec, Map<String, Module> modules, Owner owner) {
        this.name = name;
        this.spec = spec;
        this.modules = modules;
        this.owner = owner;
    }

    /**
     * A new adapter, attached to {@code model} and enabled.
     *
     * @param name unique among the adapters of a model; without a dot
     * @param random where first values come from; each weight draws from a stream of its own
     * @throws InputException if a target matches no linear of the model
     */
    public static Adapter create(String name, AdapterSpec spec, LanguageModel model, RandomStream random) {
        return create(name, spec, model, spec.targets().select(model), DeltaWeights.drawn(random));
    }

    static Adapter create(
            String name,
            AdapterSpec spec,
            LanguageModel model,
            Map<String, Linear> linears,
            DeltaWeights.Source source) {
        if (name.isEmpty() || name.contains(".")) {
            throw new InputException("An adapter's name must be some text without a dot, not '" + name + "'.");
        }
        var owner = new Owner();
        try {
            var modules = new LinkedHashMap<String, Module>();
            linears.forEach((path, linear) -> {
                var weights = new DeltaWeights(name, path, linears.size(), source, owner);
                var delta = spec.delta(linear, weights);
                modules.put(
                        path,
                        new Module(delta, linear.inFeatures(), linear.outFeatures(), List.copyOf(weights.made())));
            });
            var adapter = new Adapter(name, spec, modules, owner);
            adapter.attach(model);
            return adapter;
        } catch (RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    public String name() {
        return name;
    }

    public AdapterSpec spec() {
        return spec;
    }

    /** The deltas by their linear's path, in forward order. */
    public Map<String, LinearDelta> deltas() {
        var deltas = new LinkedHashMap<String, LinearDelta>();
        modules.forEach((path, module) -> deltas.put(path, module.delta()));
        return Collections.unmodifiableMap(deltas);
    }

    /** The adapter's weights, fp32, in forward order. Heads are not among them. */
    public List<Parameter> parameters() {
        return modules.values().stream()
                .flatMap(module -> module.weights().stream())
                .map(DeltaWeights.Stored::parameter)
                .toList();
    }

    /** How many numbers of the adapter train; heads aside. */
    public long trainedWeights() {
        return parameters().stream()
                .filter(Parameter::trainable)
                .mapToLong(Parameter::size)
                .sum();
    }

    Map<String, Module> modules() {
        return modules;
    }

    /** The config that this adapter was loaded with; empty for a new one. */
    Map<String, JsonNode> savedKeys() {
        return savedKeys;
    }

    void savedKeys(Map<String, JsonNode> keys) {
        savedKeys = keys;
    }

    /**
     * Attaches this adapter to {@code model} and enables it.
     *
     * @throws InputException if the model lacks a linear that the adapter changes, or has it in another shape
     * @throws IllegalStateException if it is attached already, or the model has an adapter of that name
     */
    public void attach(LanguageModel model) {
        if (attached != null) {
            throw new IllegalStateException("adapter '" + name + "' is attached already; detach it first");
        }
        var linears = model.linears();
        var places = new LinkedHashMap<Linear, LinearDelta>();
        modules.forEach((path, module) -> places.put(fitting(path, module, linears.get(path)), module.delta()));
        attached = places;
        enable();
    }

    private Linear fitting(String path, Module module, @Nullable Linear linear) {
        var shape = Arrays.asList(module.outFeatures(), module.inFeatures());
        if (linear == null) {
            throw new InputException("Adapter '" + name + "' changes " + path + " " + shape
                    + ", which the model does not have; use the base model it was trained on.");
        }
        if (linear.inFeatures() != module.inFeatures() || linear.outFeatures() != module.outFeatures()) {
            throw new InputException("Adapter '" + name + "' changes " + path + " of shape " + shape
                    + ", but the model has " + linear + "; use the base model it was trained on.");
        }
        if (linear.deltas().containsKey(name)) {
            throw new IllegalStateException("the model has an adapter '" + name + "' already");
        }
        return linear;
    }

    /** Takes this adapter off its model; it keeps its weights and can be attached again. */
    public void detach() {
        disable();
        attached = null;
    }

    /** Lets the deltas act again after {@link #disable}, after those that are enabled now. */
    public void enable() {
        if (attached == null) {
            throw new IllegalStateException("adapter '" + name + "' is attached to no model");
        }
        if (!enabled) {
            attached.forEach((linear, delta) -> linear.attach(name, delta));
            enabled = true;
        }
    }

    /** The model computes as if this adapter were not there, to the bit, until {@link #enable}. */
    public void disable() {
        if (enabled && attached != null) {
            attached.keySet().forEach(linear -> linear.detach(name));
            enabled = false;
        }
    }

    /** Whether the deltas act. */
    public boolean isEnabled() {
        return enabled;
    }

    /** Detaches the adapter and frees its weights. */
    @Override
    public void close() {
        detach();
        owner.close();
    }
}
