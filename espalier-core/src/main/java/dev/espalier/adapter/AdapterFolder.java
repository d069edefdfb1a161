package dev.espalier.adapter;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.checkpoint.AtomicFolders;
import dev.espalier.checkpoint.Safetensors;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.LanguageModel;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * An adapter on disk, in PEFT's layout: {@code adapter_config.json}, {@code adapter_model.safetensors} and
 * {@code README.md}; beside them {@value #CARD} with what PEFT has no place for: the heads' tasks, labels and pooling.
 * LoRA folders with one head are read by PEFT, and PEFT's are read here; other methods have a {@code peft_type} of their
 * own. Weights are stored under {@code base_model.model.PATH}, fp32.
 */
public final class AdapterFolder implements AutoCloseable {
    /** The extra file's name. */
    public static final String CARD = "espalier.json";

    /** The weights' name. */
    public static final String WEIGHTS = "adapter_model.safetensors";

    private final Path folder;
    private final AdapterConfig config;
    private final AdapterCard card;
    private final SavedTensors tensors;

    private AdapterFolder(Path folder, AdapterConfig config, AdapterCard card, SavedTensors tensors) {
        this.folder = folder;
        this.config = config;
        this.card = card;
        this.tensors = tensors;
    }

    /**
     * Opens a folder; weights are read when it is loaded into a model.
     *
     * @throws InputException if a file is missing or broken, or the adapter is of a kind that is not supported
     */
    public static AdapterFolder open(Path folder) {
        AtomicFolders.recover(folder);
        var file = folder.resolve(AdapterConfig.FILE);
        if (!Files.exists(file)) {
            throw new InputException(folder + " is no adapter folder: it has no " + AdapterConfig.FILE + ".");
        }
        var config = AdapterConfig.read(file);
        var tensors = new SavedTensors(SafetensorsFile.open(folder.resolve(WEIGHTS)), config.baseModel());
        try {
            var card = folder.resolve(CARD);
            return new AdapterFolder(
                    folder,
                    config,
                    Files.exists(card)
                            ? Json.read(Json.mapper(), card, AdapterCard.class).in(folder)
                            : tensors.card(config),
                    tensors);
        } catch (RuntimeException e) {
            tensors.close();
            throw e;
        }
    }

    /** The folder. */
    public Path path() {
        return folder;
    }

    /** The tensors, none of them used, for {@code model}. */
    SavedTensors tensorsIn(LanguageModel model) {
        return tensors.into(model);
    }

    /** How the adapter is composed. */
    public AdapterSpec spec() {
        return config.spec();
    }

    SavedTensors tensors() {
        return tensors;
    }

    /** Whether PEFT has a type for the adapter's method. */
    public boolean isPefts() {
        return AdapterConfig.isPefts(config.spec());
    }

    /** How many of the numbers in the folder were trained, heads included. */
    public long trainedWeights() {
        return tensors.trained(config.spec());
    }

    /** Base model and heads; what PEFT's folder leaves open (the labels' names) is filled in as transformers does. */
    public AdapterCard card() {
        return card;
    }

    /**
     * Attaches the saved adapter to {@code model}, enabled. The saved heads are added to the model unless it has heads
     * of their names, and take the saved weights. If that fails, heads may have been added, but nothing else is changed.
     *
     * @param name the adapter's name among those of the model
     * @throws InputException if a tensor is missing, superfluous or of another shape than the model asks for
     */
    public Adapter load(String name, LanguageModel model) {
        try (var scope = Scope.open()) {
            var saved = tensors.into(model);
            var heads = new SavedHeads(saved);
            heads.addMissing(card.heads(), model);
            var spec = saved.savedIn(config.spec(), model);
            var linears = spec.targets().find(model);
            if (linears.isEmpty() && !(config.spec() instanceof HeadOnlySpec)) {
                throw new InputException(folder + " adapts " + config.spec().targets()
                        + ", of which the model has none: " + saved.advice());
            }
            var adapter = Adapter.create(name, spec, model, linears, saved);
            try {
                var values = heads.find(card.heads(), model);
                saved.requireAllUsed();
                SavedHeads.load(values);
                adapter.savedKeys(config.keys());
                return adapter;
            } catch (RuntimeException e) {
                adapter.close();
                throw e;
            }
        }
    }

    /** Loads the adapter in {@code folder} under the name {@code default}; see {@link #load(String, LanguageModel)}. */
    public static Adapter load(Path folder, LanguageModel model) {
        try (var saved = open(folder)) {
            return saved.load("default", model);
        }
    }

    /**
     * Writes {@code adapter} and the trained heads of {@code model}, the whole folder at once: what was there before
     * survives a failure. Keys of a loaded config that mean nothing here are kept.
     *
     * @param card of the heads of {@code model}
     * @throws InputException if the folder cannot be written
     */
    public static void save(Path folder, Adapter adapter, LanguageModel model, AdapterCard card) {
        var heads = new LinkedHashMap<String, List<Parameter>>();
        model.heads().values().forEach(head -> heads.putAll(SavedHeads.trained(head)));
        AtomicFolders.write(folder, target -> {
            try (var scope = Scope.open()) {
                Map<String, Tensor> weights = new LinkedHashMap<>();
                adapter.modules().forEach((path, module) -> module.weights()
                        .forEach(w -> weights.put(SavedTensors.PREFIX + path + "." + w.key(), w.toFile())));
                adapter.shared()
                        .stored()
                        .forEach((key, p) -> weights.put(SavedTensors.SHARED_PREFIX + "." + key, p.value()));
                adapter.copies()
                        .byModule()
                        .forEach((path, copies) -> copies.forEach(w -> weights.put(
                                SavedTensors.PREFIX + path + "." + w.key(),
                                w.parameter().value())));
                heads.values()
                        .forEach(parameters ->
                                parameters.forEach(p -> weights.put(SavedTensors.PREFIX + p.name(), p.value())));
                Safetensors.write(target.resolve(WEIGHTS), weights, Map.of("format", "pt"));
            }
            AtomicFiles.writeString(
                    target.resolve(AdapterConfig.FILE),
                    AdapterConfig.text(adapter, model, card, wholeModules(adapter, heads.keySet())));
            for (var template : card.templates().entrySet()) {
                Files.copy(template.getValue(), target.resolve(template.getKey()));
            }
            AtomicFiles.writeString(target.resolve(CARD), Json.pretty(card.portable()));
            AtomicFiles.writeString(target.resolve("README.md"), Readme.of(adapter, card));
        });
    }

    /** What PEFT must know to be trained as a whole: the heads, and what the spec names beside them. */
    private static List<String> wholeModules(Adapter adapter, Set<String> heads) {
        var modules = new LinkedHashSet<>(heads);
        modules.addAll(adapter.spec().modulesToSave());
        return List.copyOf(modules);
    }

    @Override
    public void close() {
        tensors.close();
    }
}
