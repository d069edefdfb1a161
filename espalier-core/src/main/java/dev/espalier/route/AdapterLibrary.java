package dev.espalier.route;

import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.LoraExperts;
import dev.espalier.checkpoint.AtomicFolders;
import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A folder of LoRA adapters of one base model, of which inputs or tokens choose. It is self-contained:
 *
 * <pre>
 * library.json          what is in it
 * adapters/NAME/        a copy of the adapter's folder, with
 *   routing.safetensors prototypes and the centroid of its samples, so that nothing is computed anew to route, and
 *   recipe.yaml         where it came from a run
 * </pre>
 *
 * <p>An adapter comes and goes as a whole. Not to be changed from two places at once.
 */
public final class AdapterLibrary {
    /** A name is a folder's, and part of weights' names, which dots divide. */
    private static final Pattern NAME = Pattern.compile("[^\\s./\\\\:][^./\\\\:]*");

    private static final String ADAPTERS = "adapters";
    private static final String RECIPE = "recipe.yaml";

    private final Path folder;

    private AdapterLibrary(Path folder) {
        this.folder = folder;
    }

    /**
     * An adapter to be added.
     *
     * @param name that it gets in the library
     * @param folder of the adapter
     * @param samples texts of the kind that it was trained on; none if it is not to be found by them
     * @param recipe of the run that made it, to be kept with it
     */
    public record Addition(String name, Path folder, List<String> samples, Optional<Path> recipe) {
        public Addition {
            samples = List.copyOf(samples);
            if (!NAME.matcher(name).matches()) {
                throw new InputException("'" + name
                        + "' is no name for an adapter in a library: it must not be empty, begin with a space, or hold a"
                        + " dot, a colon or a slash; give another.");
            }
        }
    }

    /** Whether there is a library in {@code folder}. */
    public static boolean isIn(Path folder) {
        return Files.exists(folder.resolve(LibraryIndex.FILE));
    }

    /**
     * Opens a library.
     *
     * @throws InputException if there is none in {@code folder}
     */
    public static AdapterLibrary open(Path folder) {
        if (!isIn(folder)) {
            throw new InputException(folder + " is no library of adapters: it has no " + LibraryIndex.FILE
                    + "; make one with espalier library add.");
        }
        return new AdapterLibrary(folder);
    }

    /**
     * Opens a library, or begins one; nothing is written before an adapter is added.
     *
     * @throws InputException if {@code folder} holds other things
     */
    public static AdapterLibrary openOrCreate(Path folder) {
        if (isIn(folder) || !Files.exists(folder)) {
            return new AdapterLibrary(folder);
        }
        try (var entries = Files.list(folder)) {
            if (entries.findAny().isPresent()) {
                throw new InputException(folder + " is no library of adapters (it has no " + LibraryIndex.FILE
                        + ") and not empty; choose another folder.");
            }
            return new AdapterLibrary(folder);
        } catch (IOException e) {
            throw new InputException(folder + " is no folder that a library can be in: " + e.getMessage() + ".", e);
        }
    }

    /** Where it is. */
    public Path folder() {
        return folder;
    }

    /** What is in it, in the order of adding. */
    public List<LibraryEntry> entries() {
        return index().adapters();
    }

    /** What embeds the samples of its adapters; empty where none has any. */
    public Optional<String> encoder() {
        return entries().stream()
                .flatMap(entry -> entry.samples().stream())
                .map(LibraryEntry.Samples::encoder)
                .findFirst();
    }

    private LibraryIndex index() {
        return isIn(folder) ? LibraryIndex.read(folder) : LibraryIndex.empty();
    }

    /** The copy of the adapter called {@code name}. */
    public Path adapter(String name) {
        return folder.resolve(ADAPTERS).resolve(name);
    }

    /** The recipe of the run that made the adapter called {@code name}, where it is known. */
    public Optional<Path> recipe(String name) {
        return Optional.of(adapter(name).resolve(RECIPE)).filter(Files::exists);
    }

    /**
     * Adds adapters; all are checked before the first is copied.
     *
     * @param encoder for samples; a library has one
     * @param replace whether an adapter may take the place of one of its name
     * @return what was added
     * @throws InputException if one is not plain LoRA on the linears of the library's base model, or its name is taken
     */
    @SuppressWarnings("try") // guard and scope work by being open
    public List<LibraryEntry> add(List<Addition> additions, String encoder, boolean replace) {
        requireFree(additions, replace);
        var folders = new LinkedHashMap<String, AdapterFolder>();
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open()) {
            additions.forEach(each -> folders.put(each.name(), AdapterFolder.open(each.folder())));
            var base = requireOneBase(folders);
            requireEncoder(additions, encoder);
            try (var model = openToCheck(base)) {
                var checked = check(additions, folders, model, encoder);
                checked.forEach(this::copy);
                return checked.stream().map(Checked::entry).toList();
            }
        } finally {
            folders.values().forEach(AdapterFolder::close);
        }
    }

    private void requireFree(List<Addition> additions, boolean replace) {
        var names = new ArrayList<String>();
        for (var addition : additions) {
            var name = addition.name();
            if (names.contains(name)) {
                throw new InputException(
                        "Two of the adapters would both be called '" + name + "'; add them apart and name them.");
            }
            names.add(name);
            if (!replace && index().find(name).isPresent()) {
                throw new InputException("There is an adapter '" + name + "' in " + folder
                        + " already; replace it (--replace), or choose another name (--name).");
            }
        }
    }

    /** The base model of the library and of all adapters. */
    private String requireOneBase(Map<String, AdapterFolder> folders) {
        var bases = new LinkedHashMap<String, String>();
        entries().forEach(entry -> bases.put(entry.name(), entry.baseModel()));
        folders.forEach((name, saved) -> bases.put(name, saved.card().baseModel()));
        var first = bases.entrySet().iterator().next();
        bases.forEach((name, base) -> {
            if (!base.equals(first.getValue())
                    && !ModelLocator.locate(base).equals(ModelLocator.locate(first.getValue()))) {
                throw new InputException("Adapter '" + name + "' was trained on " + base + ", but adapter '"
                        + first.getKey() + "' of " + folder + " on " + first.getValue()
                        + "; a library holds adapters of one base model.");
            }
        });
        return first.getValue();
    }

    private void requireEncoder(List<Addition> additions, String encoder) {
        if (additions.stream().allMatch(addition -> addition.samples().isEmpty())) {
            return;
        }
        var names = additions.stream().map(Addition::name).toList();
        for (var entry : entries()) {
            if (names.contains(entry.name())) {
                continue;
            }
            entry.samples()
                    .filter(samples -> !samples.encoder().equals(encoder))
                    .ifPresent(samples -> {
                        throw new InputException("The samples of adapter '" + entry.name() + "' in " + folder
                                + " are embedded by " + samples.encoder() + ", and vectors of " + encoder
                                + " cannot be compared with them; use --encoder " + samples.encoder() + ".");
                    });
        }
    }

    /** A base model whose names and shapes are looked at: in the dtype that it has, so that nothing is converted. */
    private static LanguageModel openToCheck(String base) {
        var located = ModelLocator.locate(base);
        ScalarType dtype;
        try (var checkpoint = CheckpointFolder.open(located)) {
            boolean half = checkpoint.names().stream()
                    .anyMatch(name -> checkpoint.info(name).dtype() == ScalarType.BFloat16);
            dtype = half ? ScalarType.BFloat16 : ScalarType.Float;
        }
        return AutoModel.open(located, dtype);
    }

    /** An adapter that fits, and what is known of it. */
    private record Checked(Addition addition, LibraryEntry entry, RoutingVectors vectors) {}

    private static List<Checked> check(
            List<Addition> additions, Map<String, AdapterFolder> folders, LanguageModel model, String encoder) {
        var experts = new LoraExperts(folders, model);
        var checked = new ArrayList<Checked>();
        boolean anySamples = additions.stream().anyMatch(each -> !each.samples().isEmpty());
        try (var sentences = anySamples ? SentenceEncoder.open(encoder) : null) {
            for (var addition : additions) {
                var name = addition.name();
                var saved = Objects.requireNonNull(folders.get(name));
                var vectors = RoutingVectors.of(experts, name);
                for (var head : saved.card().heads()) {
                    experts.addHead(name, head, name + "/" + head.name());
                }
                experts.requireAllUsed(name);
                if (sentences != null && !addition.samples().isEmpty()) {
                    vectors = vectors.with(Retrieval.centroid(sentences.embed(addition.samples())));
                }
                checked.add(new Checked(addition, entry(addition, saved, experts, encoder), vectors));
            }
        }
        return checked;
    }

    private static LibraryEntry entry(Addition addition, AdapterFolder saved, LoraExperts experts, String encoder) {
        var name = addition.name();
        var modules = new LinkedHashMap<String, LibraryEntry.Module>();
        for (var path : experts.modules(name)) {
            modules.put(path, new LibraryEntry.Module(experts.shape(path), experts.rank(name, path)));
        }
        return new LibraryEntry(
                name,
                saved.card().baseModel(),
                saved.spec().method(),
                modules,
                saved.card().heads().stream()
                        .map(head -> head.task().isEmpty() ? name : head.task())
                        .toList(),
                addition.samples().isEmpty()
                        ? Optional.empty()
                        : Optional.of(new LibraryEntry.Samples(
                                encoder, addition.samples().size())));
    }

    private void copy(Checked checked) {
        var from = checked.addition.folder();
        AtomicFolders.write(adapter(checked.entry.name()), target -> {
            try (var files = Files.list(from)) {
                for (var file : files.filter(Files::isRegularFile).toList()) {
                    Files.copy(file, target.resolve(file.getFileName().toString()));
                }
            }
            Files.deleteIfExists(target.resolve(RoutingVectors.FILE)); // of the library that it is a copy from
            checked.vectors.write(target);
            var recipe = target.resolve(RECIPE);
            if (checked.addition.recipe().isPresent() && !Files.exists(recipe)) {
                Files.copy(checked.addition.recipe().get(), recipe);
            }
        });
        index().with(checked.entry).write(folder);
    }

    /**
     * Takes adapters out of the library and deletes their copies.
     *
     * @throws InputException if there is none of a name; then nothing is changed
     */
    public void remove(List<String> names) {
        var index = index();
        names.forEach(name -> require(index, name));
        for (var name : names) {
            index().without(name).write(folder);
            AtomicFolders.remove(adapter(name));
        }
    }

    private void require(LibraryIndex index, String name) {
        if (index.find(name).isEmpty()) {
            var names = index.adapters().stream().map(LibraryEntry::name).toList();
            throw new InputException("There is no adapter '" + name + "' in " + folder
                    + (names.isEmpty()
                            ? ", which is empty."
                            : "; nearest are " + String.join(", ", Nearest.to(name, names, 3)) + "."));
        }
    }

    /**
     * Opens the base model with all adapters on it, of which {@code routing} chooses.
     *
     * @param dtype of the frozen weights: {@code fp32} or {@code bf16}
     * @param workers threads that each take a part of the inputs; 0 for what is fastest here
     * @throws InputException if the library is empty, an adapter in it has no samples that are asked for, or the base
     *     model is not here or does not fit
     */
    public RoutedLibrary route(Routing routing, String dtype, int workers) {
        return RoutedLibrary.open(this, routing, dtype, workers);
    }
}
