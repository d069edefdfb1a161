package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.Copyable;
import dev.espalier.model.Head;
import dev.espalier.model.LanguageModel;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Fp32 copies of whole modules that train with an adapter: PEFT's {@code modules_to_save}, heads aside. */
final class TrainedCopies {
    private final Map<String, List<DeltaWeights.Stored>> byModule;

    private TrainedCopies(Map<String, List<DeltaWeights.Stored>> byModule) {
        this.byModule = byModule;
    }

    /**
     * The modules of {@code model} whose paths end in one of {@code names}, as PEFT matches them: the end need not follow
     * a dot. Modules of trained heads are left out, they are saved with the head.
     *
     * @throws InputException if a name is no module's
     */
    static Map<String, Copyable> select(List<String> names, LanguageModel model) {
        var inHeads = model.heads().values().stream()
                .flatMap(head -> head.trained().stream())
                .map(Head.TrainedModule::path)
                .collect(Collectors.toSet());
        var modules = model.copyables();
        for (var name : names) {
            if (modules.keySet().stream().noneMatch(path -> path.endsWith(name))
                    && inHeads.stream().noneMatch(path -> path.endsWith(name))) {
                throw new InputException("The model has no module '" + name
                        + "' that could be trained as a whole (modules_to_save); nearest are "
                        + String.join(", ", Nearest.to(name, modules.keySet(), 5)) + ".");
            }
        }
        var selected = new LinkedHashMap<String, Copyable>();
        modules.forEach((path, module) -> {
            boolean inHead = inHeads.stream().anyMatch(head -> path.equals(head) || path.startsWith(head + "."));
            if (!inHead && names.stream().anyMatch(path::endsWith)) {
                selected.put(path, module);
            }
        });
        return selected;
    }

    /** Copies that start as the modules are, or as {@code source} has them. */
    static TrainedCopies of(String adapter, Map<String, Copyable> modules, DeltaWeights.Source source, Owner owner) {
        var copies = new LinkedHashMap<String, List<DeltaWeights.Stored>>();
        modules.forEach((path, module) -> {
            var weights = new DeltaWeights(adapter, path, source, owner);
            for (var own : module.parameters()) {
                var key = own.name().substring(own.name().lastIndexOf('.') + 1);
                weights.weight(key, StoredLayout.same(own.shape()), random -> own.value()
                        .to(ScalarType.Float));
            }
            copies.put(path, weights.made());
        });
        return new TrainedCopies(copies);
    }

    /** The copied weights by their module's path. */
    Map<String, List<DeltaWeights.Stored>> byModule() {
        return byModule;
    }

    /** The copies of {@code modules}, in their order of weights. */
    private static List<Parameter> parameters(List<DeltaWeights.Stored> weights) {
        return weights.stream().map(DeltaWeights.Stored::parameter).toList();
    }

    /**
     * The modules of {@code model} that the copies stand for.
     *
     * @throws InputException if one is missing or of another shape
     */
    List<Place> places(LanguageModel model) {
        var modules = model.copyables();
        var places = new ArrayList<Place>();
        byModule.forEach((path, weights) -> {
            var module = modules.get(path);
            var mine = parameters(weights);
            if (module == null || !shapes(module.parameters()).equals(shapes(mine))) {
                throw new InputException(
                        "The adapter holds a trained copy of " + path + " " + shapes(mine) + ", but the "
                                + (module == null
                                        ? "model has no such module"
                                        : "model has it as " + shapes(module.parameters()))
                                + "; use the base model it was trained on.");
            }
            places.add(new Place(module, mine));
        });
        return places;
    }

    private static List<String> shapes(List<Parameter> parameters) {
        return parameters.stream().map(p -> Arrays.toString(p.shape())).toList();
    }

    /** A module of a model and its copy. */
    record Place(Copyable module, List<Parameter> copy) {}
}
