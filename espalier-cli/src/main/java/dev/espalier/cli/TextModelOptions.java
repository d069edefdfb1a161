package dev.espalier.cli;

import dev.espalier.adapter.AdapterFolder;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.error.InputException;
import dev.espalier.route.AdapterLibrary;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import dev.espalier.train.RunFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which causal language model, and which adapters on it. */
final class TextModelOptions {
    /** The name of an adapter that is given without one, as PEFT has it. */
    static final String DEFAULT = "default";

    /** A name has no dot, because weights are called by it, and a path with one of these characters is no name. */
    private static final Pattern NAMED = Pattern.compile("([^=./\\\\]+)=(.+)");

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "The model's folder, or its name in the Hugging Face cache.")
    private @Nullable String model;

    @Option(
            names = "--adapter",
            paramLabel = "[NAME=]DIR",
            description =
                    "The folder of an adapter, of a run or of a library; without --model, its base model is used.")
    private List<String> adapters = new ArrayList<>();

    @Option(
            names = "--dtype",
            paramLabel = "DTYPE",
            description = "Number type of the frozen weights: fp32 (the default) or bf16.",
            defaultValue = "fp32")
    private String dtype = "fp32";

    /** @throws InputException if there are several adapters */
    void requireOneAdapter() {
        if (adapters.size() > 1) {
            throw new InputException(
                    "There are " + adapters.size() + " adapters, but a conversation is with one; give one --adapter.");
        }
    }

    /** @param routing how a library's adapters are chosen, if the adapter is one */
    @SuppressWarnings("try") // guard and scope work by being open
    TextModel open(RoutingArguments routing) {
        var library = library();
        if (library.isPresent()) {
            return TextModel.of(AdapterLibrary.open(library.get()).route(routing.routing(), dtype, 0), DEFAULT);
        }
        var folders = folders();
        folders.values().forEach(routing::applyTo);
        if (model == null && folders.isEmpty()) {
            throw new InputException("There is no model; give one by --model, or an adapter by --adapter.");
        }
        var saved = new LinkedHashMap<String, AdapterFolder>();
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open()) {
            folders.forEach((name, folder) -> saved.put(name, AdapterFolder.open(folder)));
            return TextModel.open(model == null ? base(saved) : model, saved, dtype);
        } finally {
            saved.values().forEach(AdapterFolder::close);
        }
    }

    /** The library that is given in place of adapters. */
    private Optional<Path> library() {
        var given = adapters.stream().map(Path::of).filter(AdapterLibrary::isIn).findFirst();
        if (given.isPresent() && (adapters.size() > 1 || model != null)) {
            throw new InputException(
                    "--adapter " + given.get() + " is a library, which has its adapters and their model;"
                            + " give neither --model nor other adapters beside it.");
        }
        return given;
    }

    /** The adapters' folders by name. */
    private Map<String, Path> folders() {
        var folders = new LinkedHashMap<String, Path>();
        for (var given : adapters) {
            var named = NAMED.matcher(given);
            boolean hasName = named.matches() && !Files.isDirectory(Path.of(given));
            var name = hasName ? named.group(1) : DEFAULT;
            var folder = Path.of(hasName ? named.group(2) : given);
            var own = new RunFolder(folder).adapter();
            var former = folders.put(name, Files.isDirectory(own) ? own : folder);
            if (former != null) {
                throw new InputException("The adapters in " + former + " and " + folders.get(name)
                        + " are both called '" + name + "'" + (name.equals(DEFAULT) ? ", as one without a name is" : "")
                        + "; give each a name of its own: --adapter NAME=DIR.");
            }
        }
        return folders;
    }

    /** The model that all adapters were trained on. */
    private static String base(Map<String, AdapterFolder> saved) {
        var first = saved.entrySet().iterator().next();
        var base = first.getValue().card().baseModel();
        saved.forEach((name, folder) -> {
            var other = folder.card().baseModel();
            if (!other.equals(base) && !ModelLocator.locate(other).equals(ModelLocator.locate(base))) {
                throw new InputException("Adapter '" + first.getKey() + "' was trained on " + base + ", but adapter '"
                        + name + "' on " + other + "; give adapters of one model, or the model by --model.");
            }
        });
        return base;
    }
}
