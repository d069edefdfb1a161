package dev.espalier.cli;

import dev.espalier.adapter.AdapterDeltas;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.DeltaSource;
import dev.espalier.adapter.MixtureSpec;
import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.cli.recipe.MergeRecipe;
import dev.espalier.cli.recipe.MergedAdapterSection;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.merge.MaskedDeltas;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.report.RunHistory;
import dev.espalier.train.RunFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** The adapters that a merge names, opened on their base model. */
final class MergeInputs implements AutoCloseable {
    /** The word for gates as a run's router used its experts. */
    static final String RUN = "run";

    private final String base;
    private final Path baseFolder;
    private final List<Path> folders = new ArrayList<>();
    private final List<DeltaSource> adapters = new ArrayList<>();
    /** What has the adapters' heads, in the same order. */
    private final List<AdapterDeltas> heads = new ArrayList<>();

    private final List<LanguageModel> models = new ArrayList<>();

    /**
     * Opens what {@code recipe} names.
     *
     * @throws InputException if an adapter is missing or broken, or the adapters are of different base models
     */
    MergeInputs(MergeRecipe recipe) {
        var sections = recipe.adapters();
        sections.forEach(section -> folders.add(folder(section)));
        base = base(recipe.base());
        baseFolder = ModelLocator.locate(base);
        try {
            var names = names(sections);
            var dtype = dtype(baseFolder);
            for (int i = 0; i < folders.size(); i++) {
                // A model of its own for each, because heads of different tasks have the same names.
                models.add(AutoModel.open(baseFolder, dtype));
                open(names.get(i), folders.get(i), gates(sections.get(i), folders.get(i)));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void open(String name, Path folder, Map<String, float[]> gates) {
        var model = models.get(models.size() - 1);
        if (MaskedDeltas.isIn(folder)) {
            heads.add(AdapterDeltas.open(name, MaskedDeltas.heads(folder), model, Map.of()));
            adapters.add(MaskedDeltas.open(name, folder));
        } else {
            heads.add(AdapterDeltas.open(name, folder, model, gates));
            adapters.add(heads.get(heads.size() - 1));
        }
    }

    private static Path folder(MergedAdapterSection section) {
        var path = Path.of(String.valueOf(section.path()));
        if (!Files.isDirectory(path)) {
            throw new InputException(
                    "There is no adapter folder " + path + "; give the folder of a run or of an adapter.");
        }
        var own = new RunFolder(path).adapter();
        return Files.isDirectory(own) ? own : path;
    }

    /** In the base's own number type, so that its weights are mapped. */
    private static ScalarType dtype(Path base) {
        try (var checkpoint = CheckpointFolder.open(base)) {
            return checkpoint.names().stream()
                    .map(name -> checkpoint.info(name).dtype())
                    .filter(type -> type == ScalarType.BFloat16)
                    .findFirst()
                    .orElse(ScalarType.Float);
        }
    }

    /** The base that was given, or the one that all adapters name. */
    private String base(@Nullable String given) {
        var named = new LinkedHashMap<Path, String>();
        for (var folder : folders) {
            try (var saved = AdapterFolder.open(MaskedDeltas.isIn(folder) ? MaskedDeltas.heads(folder) : folder)) {
                named.put(folder, saved.card().baseModel());
            }
        }
        if (given != null) {
            return ModelLocator.hubName(given);
        }
        Path first = folders.get(0);
        var base = named.getOrDefault(first, "");
        for (var entry : named.entrySet()) {
            if (!sameModel(entry.getValue(), base)) {
                throw new InputException(
                        "Adapter " + first + " was trained on '" + base + "' and " + entry.getKey()
                                + " on '" + entry.getValue()
                                + "'; only adapters of one base model can be merged. If these are the same model, name it by --base.");
            }
        }
        if (base.isEmpty()) {
            throw new InputException(first + " does not say which model it was trained on; name it by --base.");
        }
        return base;
    }

    private static boolean sameModel(String a, String b) {
        return a.equals(b) || ModelLocator.hubName(a).equals(ModelLocator.hubName(b)) || sameFolder(a, b);
    }

    private static boolean sameFolder(String a, String b) {
        return Files.isDirectory(Path.of(a))
                && Files.isDirectory(Path.of(b))
                && Path.of(a)
                        .toAbsolutePath()
                        .normalize()
                        .equals(Path.of(b).toAbsolutePath().normalize());
    }

    /** The folders' names where none are given, told apart by numbers. */
    private List<String> names(List<MergedAdapterSection> sections) {
        Set<String> names = new LinkedHashSet<>();
        for (int i = 0; i < sections.size(); i++) {
            var given = Optional.ofNullable(sections.get(i).name());
            var name = given.orElse(nameOf(folders.get(i)));
            if (!name.matches("[^/\\\\]+") || name.matches("\\.+")) {
                throw new InputException("An adapter can't be called '" + name + "'; give it a name without slashes.");
            }
            if (given.isPresent() && names.contains(name)) {
                throw new InputException("Two adapters are called '" + name + "'; give them different names.");
            }
            for (int number = 2; !names.add(name); number++) {
                name = nameOf(folders.get(i)) + "-" + number;
            }
        }
        return List.copyOf(names);
    }

    private static String nameOf(Path folder) {
        var full = folder.toAbsolutePath().normalize();
        var inRun = full.endsWith("adapter") && full.getParent() != null ? full.getParent() : full;
        return String.valueOf(inRun.getFileName());
    }

    private static Map<String, float[]> gates(MergedAdapterSection section, Path folder) {
        if (section.gates() == null) {
            return Map.of();
        }
        if (!section.gates().equals(RUN)) {
            return gatesOf(Path.of(section.gates()));
        }
        try (var saved = AdapterFolder.open(folder)) {
            return saved.spec() instanceof MixtureSpec ? gatesOfRun(folder) : Map.of();
        }
    }

    /** The share of choices, or of gates where every token is given all experts, that each expert had at the run's end. */
    private static Map<String, float[]> gatesOfRun(Path folder) {
        var run = folder.toAbsolutePath().normalize().getParent();
        if (run == null || !Files.exists(new RunFolder(run).metrics())) {
            throw new InputException(
                    "The experts of " + folder
                            + " are to be weighed as their run's router used them, but it lies in no run folder; give a file of gates.");
        }
        var gates = new LinkedHashMap<String, float[]>();
        RunHistory.read(run).lastRouters().forEach((module, router) -> gates.put(module, floats(router.load())));
        return gates;
    }

    private static Map<String, float[]> gatesOf(Path file) {
        var gates = new LinkedHashMap<String, float[]>();
        Json.read(file).properties().forEach(entry -> {
            var values = new ArrayList<Double>();
            entry.getValue().forEach(value -> {
                if (!value.isNumber()) {
                    throw new InputException(file + ": the gates of " + entry.getKey() + " must be a list of numbers.");
                }
                values.add(value.doubleValue());
            });
            gates.put(entry.getKey(), floats(values));
        });
        return gates;
    }

    private static float[] floats(List<Double> values) {
        var floats = new float[values.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = values.get(i).floatValue();
        }
        return floats;
    }

    /** The base model's name, as an adapter's card has it. */
    String base() {
        return base;
    }

    Path baseFolder() {
        return baseFolder;
    }

    /** The base model, with the heads of the first adapter. */
    LanguageModel model() {
        return models.get(0);
    }

    List<DeltaSource> adapters() {
        return adapters;
    }

    /** What has the adapters' heads, in the same order. */
    List<AdapterDeltas> heads() {
        return heads;
    }

    /** The adapters' folders, in their order. */
    List<Path> folders() {
        return folders;
    }

    @Override
    public void close() {
        adapters.forEach(DeltaSource::close);
        heads.stream().filter(head -> !adapters.contains(head)).forEach(AdapterDeltas::close);
        models.forEach(LanguageModel::close);
    }
}
