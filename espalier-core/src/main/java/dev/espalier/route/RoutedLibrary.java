package dev.espalier.route;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.LoraExperts;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.data.Batch;
import dev.espalier.data.EncodedExample;
import dev.espalier.error.InputException;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.RouterObservation;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.train.AdaptedModel;
import dev.espalier.train.InputGuide;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A library's adapters on their base model, with what chooses among them. Its {@link #model} evaluates, predicts and
 * generates as any other; each task is answered by the head of the adapter that was trained on it.
 */
public final class RoutedLibrary implements AutoCloseable {
    /** The adapter's name among those of the model. */
    private static final String ADAPTER = "default";

    private final Path baseModel;
    private final AdaptedModel model;
    private final List<String> adapters;
    private final Map<String, List<String>> tasks;
    private final Map<String, List<String>> experts;
    private final @Nullable Retrieval retrieval;

    private RoutedLibrary(
            Path baseModel,
            AdaptedModel model,
            List<String> adapters,
            Map<String, List<String>> tasks,
            Map<String, List<String>> experts,
            @Nullable Retrieval retrieval) {
        this.baseModel = baseModel;
        this.model = model;
        this.adapters = adapters;
        this.tasks = tasks;
        this.experts = experts;
        this.retrieval = retrieval;
    }

    /**
     * How an adapter fares with a text.
     *
     * @param score what it was chosen by: the cosine of the embeddings; or its gate before the choice, as the mean over the
     *     text's tokens and the linears that adapters change
     * @param weight by which it acts: in the output; or how often it is chosen, as the same mean
     */
    public record Share(String adapter, double score, double weight) {}

    @SuppressWarnings("try") // guard and scope work by being open
    static RoutedLibrary open(AdapterLibrary library, Routing routing, String dtype, int workers) {
        var entries = library.entries();
        if (entries.isEmpty()) {
            throw new InputException(
                    "The library " + library.folder() + " is empty; add adapters with espalier library add.");
        }
        var names = entries.stream().map(LibraryEntry::name).toList();
        var folders = new LinkedHashMap<String, AdapterFolder>();
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open()) {
            var vectors = new LinkedHashMap<String, RoutingVectors>();
            for (var name : names) {
                folders.put(name, AdapterFolder.open(library.adapter(name)));
                vectors.put(name, RoutingVectors.read(library.adapter(name)));
            }
            var heads = new RoutedHeads(folders);
            var retrieval = routing instanceof Routing.Retrieve retrieve
                    ? new Retrieval(SentenceEncoder.open(encoder(library)), centroids(library, vectors), retrieve)
                    : null;
            var experts = new LinkedHashMap<String, List<String>>();
            try {
                var model = AdaptedModel.open(
                        heads.card(entries.get(0).baseModel()),
                        dtype,
                        workers,
                        base -> {
                            var loras = new LoraExperts(folders, base);
                            loras.modules().forEach(path -> experts.put(path, loras.having(path)));
                            heads.addTo(loras);
                            return attach(loras, routing, library, vectors);
                        },
                        retrieval == null ? InputGuide.NONE : retrieval);
                return new RoutedLibrary(
                        ModelLocator.locate(entries.get(0).baseModel()),
                        model,
                        names,
                        heads.tasks(),
                        experts,
                        retrieval);
            } catch (RuntimeException e) {
                if (retrieval != null) {
                    retrieval.close();
                }
                throw e;
            }
        } finally {
            folders.values().forEach(AdapterFolder::close);
        }
    }

    private static String encoder(AdapterLibrary library) {
        for (var entry : library.entries()) {
            if (entry.samples().isEmpty()) {
                throw new InputException("Adapter '" + entry.name() + "' in " + library.folder()
                        + " has no samples to be found by; add it again with --samples and --replace, or choose --route"
                        + " arrow.");
            }
        }
        return library.entries().get(0).samples().orElseThrow().encoder();
    }

    private static List<float[]> centroids(AdapterLibrary library, Map<String, RoutingVectors> vectors) {
        var centroids = new ArrayList<float[]>();
        vectors.forEach((name, known) -> centroids.add(known.centroid(library.adapter(name))));
        return centroids;
    }

    private static Adapter attach(
            LoraExperts loras, Routing routing, AdapterLibrary library, Map<String, RoutingVectors> vectors) {
        if (!(routing instanceof Routing.Arrow arrow)) {
            return loras.bySequence(ADAPTER);
        }
        return loras.byToken(ADAPTER, arrow.topK(), module -> {
            var directions = new ArrayList<float[]>();
            for (var name : loras.having(module)) {
                directions.add(Objects.requireNonNull(vectors.get(name)).prototype(module, library.adapter(name)));
            }
            var all = new float[directions.size() * directions.get(0).length];
            for (int i = 0; i < all.length; i++) {
                int in = directions.get(0).length;
                // Scores are linear in the directions, so the temperature is theirs.
                all[i] = (float) (directions.get(i / in)[i % in] / arrow.temperature());
            }
            return FloatArrays.tensor(all, directions.size(), directions.get(0).length);
        });
    }

    /** The model with all adapters on it; closed with this, or this with it. */
    public AdaptedModel model() {
        return model;
    }

    /** The folder of the base model. */
    public Path baseModel() {
        return baseModel;
    }

    /** What inputs are given before a pass; see {@link InputGuide}. */
    public InputGuide guide() {
        return retrieval == null ? InputGuide.NONE : retrieval;
    }

    /** The adapters' names, in the library's order. */
    public List<String> adapters() {
        return adapters;
    }

    /** The tasks that {@code adapter} has heads for, as the model calls them. */
    public List<String> tasks(String adapter) {
        return tasks.getOrDefault(adapter, List.of());
    }

    /** How the adapters fare with every text, those first that act most. */
    @SuppressWarnings("try") // guard and scope work by being open
    public List<List<Share>> shares(List<String> texts) {
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open()) {
            var shares = retrieval == null
                    ? texts.stream().map(this::byTokens).toList()
                    : retrieval.scores(texts).stream().map(this::bySamples).toList();
            return shares.stream()
                    .map(each -> each.stream()
                            .sorted(Comparator.comparingDouble(Share::weight)
                                    .thenComparingDouble(Share::score)
                                    .reversed())
                            .toList())
                    .toList();
        }
    }

    private List<Share> bySamples(double[] scores) {
        var weights = Objects.requireNonNull(retrieval).weights(scores);
        return IntStream.range(0, scores.length)
                .mapToObj(i -> new Share(adapters.get(i), scores[i], weights[i]))
                .toList();
    }

    /** What the routers of a pass say. A linear that one adapter alone changes has none: all tokens are that adapter's. */
    private List<Share> byTokens(String text) {
        var encoded = model.tokenizer().encode(text, model.maxTokens());
        var example = new EncodedExample(0, 0, encoded.ids(), encoded.typeIds(), new int[0], new float[0]);
        var batch = Batch.of(List.of(example), model.tokenizer().padId());
        var gates = new double[adapters.size()];
        var chosen = new double[adapters.size()];
        try (var scope = Scope.open();
                var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
            model.model().hidden(batch, context);
            var seen = context.observations().stream()
                    .collect(Collectors.toMap(RouterObservation::module, Function.identity()));
            experts.forEach((module, names) -> {
                var observed = seen.get(module);
                for (int e = 0; e < names.size(); e++) {
                    int adapter = adapters.indexOf(names.get(e));
                    gates[adapter] += observed == null ? 1 : observed.mass()[e] / observed.tokens();
                    chosen[adapter] += observed == null ? 1 : (double) observed.chosen()[e] / observed.tokens();
                }
            });
        }
        return IntStream.range(0, gates.length)
                .mapToObj(i -> new Share(adapters.get(i), gates[i] / experts.size(), chosen[i] / experts.size()))
                .toList();
    }

    /** Frees the model, the adapters and what chooses. */
    @Override
    public void close() {
        model.close();
    }
}
