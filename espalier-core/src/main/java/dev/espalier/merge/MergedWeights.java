package dev.espalier.merge;

import dev.espalier.adapter.DeltaSource;
import dev.espalier.error.InputException;
import dev.espalier.model.Copyable;
import dev.espalier.model.LanguageModel;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The changed modules of a model as fp32 copies, {@code W + ΔW}, that can take the place of its own and leave it again: a
 * merge as it acts, without a folder. The model computes as before once they are detached, to the bit.
 */
public final class MergedWeights implements AutoCloseable {
    private static final String NAME = "merged";

    private final Map<String, List<Parameter>> modules = new LinkedHashMap<>();
    private final Owner owner = new Owner();

    /**
     * Merges all of {@code changes}.
     *
     * @param base the model that the changes are for; only read
     * @throws InputException if the model lacks a module that changes
     */
    public MergedWeights(DeltaSource changes, LanguageModel base) {
        try (var scope = Scope.open()) {
            for (var module : changedModules(changes.shapes().keySet())) {
                modules.put(module, copies(module(module, base), changes, base));
            }
        } catch (RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    private static Set<String> changedModules(Set<String> weights) {
        var modules = new LinkedHashSet<String>();
        weights.forEach(weight -> modules.add(Merger.module(weight)));
        return modules;
    }

    private static Copyable module(String path, LanguageModel model) {
        return Optional.ofNullable(model.copyables().get(path))
                .orElseThrow(() -> new InputException("The merge changes " + path
                        + ", which the model does not have; use the base model that the adapters were trained on."));
    }

    private List<Parameter> copies(Copyable module, DeltaSource changes, LanguageModel base) {
        var copies = new ArrayList<Parameter>();
        for (var own : module.parameters()) {
            try (var scope = Scope.open()) {
                var value = own.value().to(ScalarType.Float);
                var merged = changes.shapes().containsKey(own.name())
                        ? value.add(changes.stored(own.name(), base))
                        : value.clone();
                copies.add(new Parameter(own.name(), owner.own(merged), false));
            }
        }
        return copies;
    }

    /**
     * Lets the copies act in {@code model}, after whatever is attached to it.
     *
     * @param model the base model, however often it was opened
     */
    public void attach(LanguageModel model) {
        modules.forEach((path, copy) -> module(path, model).attachCopy(NAME, copy, owner));
    }

    /** Lets the model's own modules act again. */
    public void detach(LanguageModel model) {
        modules.keySet().forEach(path -> module(path, model).detachCopy(NAME));
    }

    /** The copies, by their modules' paths. */
    public Map<String, List<Parameter>> modules() {
        return Map.copyOf(modules);
    }

    /** Frees the copies, which must be detached. */
    @Override
    public void close() {
        owner.close();
    }
}
