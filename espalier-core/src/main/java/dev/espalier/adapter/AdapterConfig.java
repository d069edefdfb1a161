package dev.espalier.adapter;

import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.json.Json;
import dev.espalier.model.LanguageModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * {@code adapter_config.json}.
 *
 * @param keys the file as it is, so that keys that mean nothing here survive rewriting
 */
record AdapterConfig(AdapterSpec spec, String baseModel, Optional<String> taskType, Map<String, JsonNode> keys) {
    /** PEFT's task type of a decoder that writes text. */
    static final String CAUSAL_LM = "CAUSAL_LM";

    /** The file's name in the folder. */
    static final String FILE = "adapter_config.json";

    private static final List<ConfigFormat<?>> FORMATS = Stream.concat(
                    Stream.of(
                            new LoraFormat(),
                            new Ia3Format(),
                            new VeraFormat(),
                            new AdaLoraFormat(),
                            new ShiraFormat(),
                            new SparseFormat(),
                            new FullFormat(),
                            new HeadOnlyFormat()),
                    MixtureFormat.all().stream())
            .toList();

    /**
     * Reads {@code file}.
     *
     * @throws InputException if it is no adapter's, of an unknown type, or asks for what is not supported
     */
    static AdapterConfig read(Path file) {
        var tree = Json.read(file);
        var reader = new ConfigReader(file, tree);
        var type = reader.text("peft_type")
                .orElseThrow(() -> new InputException(file + " has no key 'peft_type': it is no adapter's config."));
        var format = FORMATS.stream()
                .filter(f -> f.peftType().equals(type))
                .findFirst()
                .orElseThrow(() -> unsupported(file, type));
        var keys = new LinkedHashMap<String, JsonNode>();
        tree.properties().forEach(entry -> keys.put(entry.getKey(), entry.getValue()));
        return new AdapterConfig(
                spec(format, reader),
                reader.text("base_model_name_or_path").orElse(""),
                reader.text("task_type"),
                keys);
    }

    /** What goes wrong between values, no one of which is wrong by itself, is told with the file too. */
    private static AdapterSpec spec(ConfigFormat<?> format, ConfigReader config) {
        try {
            return format.read(config);
        } catch (InputException e) {
            var message = String.valueOf(e.getMessage());
            var file = config.file().toString();
            throw message.startsWith(file) ? e : new InputException(file + ": " + message, e);
        }
    }

    private static InputException unsupported(Path file, String type) {
        var known = FORMATS.stream().map(ConfigFormat::peftType).toList();
        return new InputException(file + ": peft_type '" + type + "' is not supported; supported are "
                + String.join(", ", Nearest.to(type, known, known.size())) + ".");
    }

    /** The text of the file for {@code adapter}, its keys in alphabetical order as PEFT has them. */
    static String text(Adapter adapter, LanguageModel model, AdapterCard card, List<String> modulesToSave) {
        return text(adapter, format(adapter.spec().saved(adapter)), model, card, modulesToSave);
    }

    private static ConfigFormat<?> format(AdapterSpec spec) {
        return FORMATS.stream()
                .filter(f -> f.isFor(spec))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no file format for " + spec.method()));
    }

    /** Whether PEFT has a type for the method. */
    static boolean isPefts(AdapterSpec spec) {
        return !format(spec).peftType().startsWith("ESPALIER_");
    }

    private static <S extends AdapterSpec> String text(
            Adapter adapter,
            ConfigFormat<S> format,
            LanguageModel model,
            AdapterCard card,
            List<String> modulesToSave) {
        var keys = new TreeMap<String, Object>(format.defaults());
        keys.putAll(adapter.savedKeys());
        keys.put("peft_type", format.peftType());
        keys.put("task_type", taskType(card.heads()));
        keys.computeIfPresent("fan_in_fan_out", (key, old) -> storedTransposed(adapter, model));
        keys.put("base_model_name_or_path", card.baseModel());
        keys.put("inference_mode", true);
        keys.put("modules_to_save", modulesToSave.isEmpty() ? Optional.empty() : modulesToSave);
        putTargets(keys, adapter, model, format.unknown());
        keys.putAll(format.keys(format.type().cast(adapter.spec().saved(adapter))));
        return Json.pretty(keys);
    }

    /** Whether the adapted linears are {@code Conv1D}s, as all of a model are or none. */
    private static boolean storedTransposed(Adapter adapter, LanguageModel model) {
        var linears = model.linears();
        return adapter.modules().keySet().stream()
                .map(linears::get)
                .anyMatch(linear -> linear != null && linear.isStoredTransposed());
    }

    private static void putTargets(
            Map<String, Object> keys, Adapter adapter, LanguageModel model, Set<String> unknown) {
        var targets = adapter.spec().targets().in(model);
        var found = ModuleNames.of(new ArrayList<>(adapter.modules().keySet()));
        var optional = new LinkedHashMap<String, Optional<?>>();
        optional.put("exclude_modules", targets.exclude().map(AdapterConfig::value));
        optional.put("layers_to_transform", orNull(targets.layersToTransform()));
        optional.put("layers_pattern", orNull(targets.layersPattern()));
        boolean bySaidKeys = unknown.stream()
                .noneMatch(key -> optional.getOrDefault(key, Optional.empty()).isPresent());
        // Paths stand for all-linear, as PEFT has it: which linears there are depends on the model's class.
        keys.put("target_modules", value(bySaidKeys ? targets.modules().orElse(found) : found));
        optional.keySet().removeAll(unknown);
        keys.putAll(optional);
    }

    /** As {@code target_modules} has it: a list or an expression. */
    static Object value(ModuleNames names) {
        return names.regex().isPresent() ? names.regex().get() : names.names();
    }

    /** PEFT writes null where nothing is set. */
    private static Optional<List<?>> orNull(List<?> list) {
        return list.isEmpty() ? Optional.empty() : Optional.of(list);
    }

    /** PEFT's task type of a model with one head; none for several, which PEFT has no class for. */
    static Optional<String> taskType(List<SavedHead> heads) {
        if (heads.size() != 1) {
            return Optional.empty();
        }
        if (heads.get(0).labelEmbeddings().isPresent()) {
            return Optional.of("FEATURE_EXTRACTION");
        }
        return Optional.of(
                switch (heads.get(0).kind()) {
                    case TOKEN_LABELS -> "TOKEN_CLS";
                    case CAUSAL_LM -> CAUSAL_LM;
                    case SINGLE_LABEL, CHOICE, MULTI_LABEL, REGRESSION -> "SEQ_CLS";
                });
    }
}
