package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.Adaptable;
import dev.espalier.model.Head;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which linears and embeddings of a model get a delta, matched as PEFT does it. Modules that are trained as a whole never do.
 *
 * @param modules names or an expression, no names for the family's {@linkplain #DEFAULT default}; empty for
 *     {@code all-linear}: every linear but those of the heads
 * @param exclude modules that are left out although they match
 * @param layersToTransform indices of the layers that are adapted; empty for all. An exact path in {@code modules} is
 *     adapted in any case
 * @param layersPattern names that come before the layer's index in a path, such as {@code layer}; empty for any
 */
public record TargetModules(
        Optional<ModuleNames> modules,
        Optional<ModuleNames> exclude,
        List<Integer> layersToTransform,
        List<String> layersPattern) {
    /** The word for every linear but those of the heads. */
    public static final String ALL_LINEAR = "all-linear";

    /** What PEFT adapts in a model of its family: the linears that make queries and values. */
    public static final TargetModules DEFAULT = of();

    /** No module. */
    static final TargetModules NONE = matching("");

    public TargetModules {
        layersToTransform = List.copyOf(layersToTransform);
        layersPattern = List.copyOf(layersPattern);
        layersPattern.forEach(ModuleNames::compile);
        boolean list = modules.isPresent() && modules.get().regex().isEmpty();
        if (!layersToTransform.isEmpty() && !list) {
            throw new InputException("layers_to_transform goes with a list of target modules, not with "
                    + modules.flatMap(ModuleNames::regex).orElse(ALL_LINEAR) + "; put the layers into the expression.");
        }
        if (!layersPattern.isEmpty() && layersToTransform.isEmpty()) {
            throw new InputException("layers_pattern goes with layers_to_transform; give the layers' indices.");
        }
    }

    /** Modules by exact path, or by the end of their path after a dot. */
    public static TargetModules of(String... names) {
        return of(ModuleNames.of(List.of(names)));
    }

    /** Modules by name or expression. */
    public static TargetModules of(ModuleNames modules) {
        return new TargetModules(Optional.of(modules), Optional.empty(), List.of(), List.of());
    }

    /** Modules whose whole path matches {@code regex}. */
    public static TargetModules matching(String regex) {
        return of(ModuleNames.matching(regex));
    }

    /** Every linear but those of the heads. */
    public static TargetModules allLinear() {
        return new TargetModules(Optional.empty(), Optional.empty(), List.of(), List.of());
    }

    /** The same without {@code exclude}. */
    public TargetModules excluding(ModuleNames exclude) {
        return new TargetModules(modules, Optional.of(exclude), layersToTransform, layersPattern);
    }

    /** The same in some layers only. */
    public TargetModules inLayers(List<Integer> layers, List<String> pattern) {
        return new TargetModules(modules, exclude, layers, pattern);
    }

    /** The same with the names that {@link #DEFAULT} stands for in {@code model}. */
    TargetModules in(LanguageModel model) {
        return modules.equals(DEFAULT.modules)
                ? new TargetModules(
                        Optional.of(ModuleNames.of(model.usualTargets())), exclude, layersToTransform, layersPattern)
                : this;
    }

    /** The same, but for {@link #DEFAULT} with all that makes queries, keys and values in {@code model}. */
    TargetModules forAttentionInputs(LanguageModel model) {
        return modules.equals(DEFAULT.modules)
                ? new TargetModules(
                        Optional.of(ModuleNames.of(model.attentionInputs())), exclude, layersToTransform, layersPattern)
                : this;
    }

    /**
     * The modules of {@code model} to adapt, by path, in forward order.
     *
     * @throws InputException if a name or the expression matches nothing
     */
    public Map<String, Adaptable<?>> select(LanguageModel model) {
        var named = in(model);
        named.modules.ifPresent(m -> requireKnown(m, model.adaptables().keySet()));
        var selected = named.find(model);
        if (selected.isEmpty() && !equals(NONE)) {
            throw new InputException("target_modules " + this + " leave no module of the model to adapt.");
        }
        return selected;
    }

    /** As {@link #select}, but names that match nothing are passed over, as PEFT does. */
    Map<String, Adaptable<?>> find(LanguageModel model) {
        var named = in(model);
        if (named != this) {
            return named.find(model);
        }
        var heads = model.heads().values();
        var headLinears = heads.stream()
                .flatMap(head -> head.linears().stream())
                .map(Linear::name)
                .collect(Collectors.toSet());
        var saved = heads.stream()
                .flatMap(head -> head.trained().stream())
                .map(Head.TrainedModule::path)
                .collect(Collectors.toSet());
        var selected = new LinkedHashMap<String, Adaptable<?>>();
        model.adaptables().forEach((path, module) -> {
            boolean whole = saved.stream().anyMatch(head -> path.equals(head) || path.startsWith(head + "."));
            boolean matches =
                    modules.isPresent() ? matches(path) : module instanceof Linear && !headLinears.contains(path);
            if (!whole && matches && exclude.stream().noneMatch(e -> e.matches(path))) {
                selected.put(path, module);
            }
        });
        return selected;
    }

    private boolean matches(String path) {
        var names = modules.orElseThrow();
        if (names.names().contains(path)) {
            return true;
        }
        return names.matches(path) && (layersToTransform.isEmpty() || layersToTransform.contains(layer(path)));
    }

    /** The index of the layer that {@code path} lies in, or -1. */
    private int layer(String path) {
        var patterns = layersPattern.isEmpty() ? List.of("[^.]*") : layersPattern;
        for (var pattern : patterns) {
            var matcher = Pattern.compile(".*\\." + pattern + "\\.(\\d+)\\.").matcher(path);
            if (matcher.lookingAt()) {
                return Integer.parseInt(matcher.group(matcher.groupCount()));
            }
        }
        return -1;
    }

    private static void requireKnown(ModuleNames modules, Set<String> paths) {
        if (modules.equals(NONE.modules.orElseThrow())) {
            return;
        }
        if (modules.regex().isPresent() && paths.stream().noneMatch(modules::matches)) {
            var regex = modules.regex().get();
            throw new InputException("No module of the model matches target_modules '" + regex + "'"
                    + nearest(regex, paths) + "; the expression must match whole paths.");
        }
        for (var name : modules.names()) {
            if (paths.stream().noneMatch(path -> ModuleNames.isEnd(name, path))) {
                throw new InputException(
                        "The model has no linear or embedding '" + name + "'" + nearest(name, ends(name, paths)) + ".");
            }
        }
    }

    private static String nearest(String name, Set<String> paths) {
        return "; nearest are " + String.join(", ", Nearest.to(name, paths, 5));
    }

    /** The ends of {@code paths} with as many parts as {@code name}: what the user may have meant. */
    private static Set<String> ends(String name, Set<String> paths) {
        int parts = name.split("\\.", -1).length;
        var ends = new LinkedHashSet<String>();
        for (var path : paths) {
            var split = List.of(path.split("\\."));
            ends.add(String.join(".", split.subList(Math.max(0, split.size() - parts), split.size())));
        }
        return ends;
    }

    @Override
    public String toString() {
        return modules.map(m -> m.regex()
                                .map(r -> "'" + r + "'")
                                .orElse(
                                        m.names().isEmpty()
                                                ? "the family's usual modules"
                                                : m.names().toString()))
                        .orElse(ALL_LINEAR)
                + exclude.map(e -> " without " + e.regex().orElse(e.names().toString()))
                        .orElse("")
                + (layersToTransform.isEmpty() ? "" : " in layers " + layersToTransform);
    }
}
