package dev.espalier.adapter;

import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Pooling;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The tensors of an adapter folder by the model's paths. Adapters of a body alone lack the body's own prefix. */
final class SavedTensors implements DeltaWeights.Source, AutoCloseable {
    /** What PEFT puts before every path. */
    static final String PREFIX = "base_model.model.";

    /** What PEFT puts before the weights that modules share. */
    static final String SHARED_PREFIX = "base_model";

    private static final String BASE_LAYER = ".base_layer.";

    private static final Logger LOG = LoggerFactory.getLogger(SavedTensors.class);
    private final SafetensorsFile file;
    private final String base;
    private final Optional<LanguageModel> model;
    private final Set<String> used = new LinkedHashSet<>();

    /** @param base the model that the adapter was trained on, by its name or path; may be empty */
    SavedTensors(SafetensorsFile file, String base) {
        this(file, base, Optional.empty());
    }

    private SavedTensors(SafetensorsFile file, String base, Optional<LanguageModel> model) {
        this.file = file;
        this.base = base;
        this.model = model;
    }

    /** The same tensors, none of them used, to be loaded into {@code model}. */
    SavedTensors into(LanguageModel model) {
        return new SavedTensors(file, base, Optional.of(model));
    }

    /** What to do where adapter and model do not fit. */
    String advice() {
        return (base.isEmpty()
                        ? "the adapter's config does not say what it was trained on"
                        : "the adapter was trained on '" + base + "'")
                + model.map(loaded -> ", and the model here is " + loaded.weights())
                        .orElse("")
                + "; use the base model that the adapter was trained on.";
    }

    @Override
    public Tensor values(String module, String key, StoredLayout layout, DeltaWeights.Initial initial) {
        return layout.fromFile(tensor(module + "." + key, layout.shape()));
    }

    /** The key of {@code path}; what modules share has a path that begins with the dot. */
    private static String name(String path) {
        return path.startsWith(".") ? SHARED_PREFIX + path : PREFIX + path;
    }

    private Optional<String> stored(String path) {
        var body = path.substring(path.indexOf('.') + 1);
        return Stream.of(name(path), PREFIX + body)
                .filter(file.names()::contains)
                .findFirst();
    }

    /** The numbers that were trained, as {@code spec} has them; PEFT's copies of frozen weights are not. */
    long trained(AdapterSpec spec) {
        return file.names().stream()
                .filter(name -> !name.contains(BASE_LAYER))
                .mapToLong(name -> spec.trained(name, file.info(name).elements()))
                .sum();
    }

    /** The modules that have a tensor called {@code key} and are none of {@code modules}, as the file calls them. */
    List<String> others(String key, Set<String> modules) {
        var known = modules.stream()
                .flatMap(module -> stored(module + "." + key).stream())
                .collect(Collectors.toSet());
        return file.names().stream()
                .filter(name -> name.endsWith("." + key) && !known.contains(name))
                .map(name -> name.substring(0, name.length() - key.length() - 1))
                .map(module -> module.startsWith(PREFIX) ? module.substring(PREFIX.length()) : module)
                .toList();
    }

    /** Whether there is a tensor for {@code path}. */
    boolean has(String path) {
        return stored(path).isPresent();
    }

    /**
     * The tensor for {@code path}, a view of the file.
     *
     * @throws InputException if it is missing or has another shape
     */
    Tensor tensor(String path, long... shape) {
        var expected = Arrays.toString(shape);
        var name = stored(path)
                .orElseThrow(() -> new InputException(file.path() + " has no tensor '" + name(path) + "' of shape "
                        + expected + "; nearest are "
                        + String.join(", ", Nearest.to(name(path), file.names(), 3)) + ": " + advice()));
        var found = file.info(name).shape();
        if (!found.toString().equals(expected)) {
            throw new InputException("Tensor '" + name + "' in " + file.path() + " has shape " + found
                    + ", but the model and the adapter's config ask for " + expected + ": " + advice());
        }
        used.add(name);
        return file.tensor(name);
    }

    /**
     * Refuses what nothing asked for: the adapter would not compute what it was trained to.
     *
     * @throws InputException naming the first such tensor
     */
    void requireAllUsed() {
        for (var name : file.names()) {
            if (name.contains(BASE_LAYER)) {
                LOG.info("{} in {} is a copy of the base model's weight; it is not used.", name, file.path());
            } else if (!used.contains(name)) {
                throw new InputException("Tensor '" + name + "' "
                        + file.info(name).shape() + " in " + file.path() + " has no place in the model: " + advice());
            }
        }
    }

    /**
     * Refuses numbers that are not finite.
     *
     * @param adapter for the message
     * @throws InputException naming the first tensor that has one
     */
    void requireFinite(String adapter) {
        for (var name : file.names()) {
            try (var scope = Scope.open()) {
                if (file.tensor(name).is_floating_point()
                        && !torch.isfinite(file.tensor(name)).all().item_bool()) {
                    throw new InputException("Tensor '" + name + "' of " + adapter + " (" + file.path()
                            + ") holds NaN or infinity; its training diverged, so train it again or leave it out.");
                }
            }
        }
    }

    /**
     * {@code spec} without modules to save that the file has nothing of: PEFT names the heads of any class there, whether
     * the model has them or not.
     */
    AdapterSpec savedIn(AdapterSpec spec, LanguageModel model) {
        if (spec.modulesToSave().isEmpty()) {
            return spec;
        }
        var saved = model.copyables().keySet().stream()
                .filter(path -> has(path + ".weight"))
                .toList();
        return spec.withModulesToSave(spec.modulesToSave().stream()
                .filter(name -> saved.stream().anyMatch(path -> path.endsWith(name)))
                .toList());
    }

    /** What is known of a folder that has PEFT's files only: one head, whose classifier gives the number of labels. */
    AdapterCard card(AdapterConfig config) {
        if (config.taskType().equals(Optional.of(AdapterConfig.CAUSAL_LM))) {
            var head = new SavedHead("", "", TaskKind.CAUSAL_LM, List.of(), Pooling.DEFAULT);
            return new AdapterCard(config.baseModel(), Optional.empty(), List.of(head));
        }
        var heads = file.names().stream()
                .filter(name -> name.matches(".*\\.classifier(\\.out_proj)?\\.weight"))
                .findFirst()
                .map(name -> head(config, file.info(name).shape().get(0).intValue()))
                .stream()
                .toList();
        return new AdapterCard(config.baseModel(), Optional.empty(), heads);
    }

    private static SavedHead head(AdapterConfig config, int outputs) {
        boolean perToken = config.taskType().equals(Optional.of("TOKEN_CLS"));
        var kind = perToken ? TaskKind.TOKEN_LABELS : outputs == 1 ? TaskKind.REGRESSION : TaskKind.SINGLE_LABEL;
        var labels = kind == TaskKind.REGRESSION
                ? List.<String>of()
                : IntStream.range(0, outputs).mapToObj(i -> "LABEL_" + i).toList();
        return new SavedHead("", "", kind, labels, Pooling.DEFAULT);
    }

    @Override
    public void close() {
        file.close();
    }
}
