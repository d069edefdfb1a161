package dev.espalier.train;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterCard;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.HeadOnlySpec;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.data.CausalEncoder;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.Example;
import dev.espalier.data.ExampleEncoder;
import dev.espalier.data.Input;
import dev.espalier.data.Origin;
import dev.espalier.data.Target;
import dev.espalier.data.TaskEncoder;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.Head;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.PrefixStates;
import dev.espalier.model.SequenceGuide;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.text.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** A frozen model with an adapter, a head for each task, and its tokenizer: what a run trains and a folder restores. */
public final class AdaptedModel implements AutoCloseable {
    /** The adapter's name among those of the model. */
    private static final String ADAPTER = "default";

    private static final Origin UNKNOWN = new Origin("input", 1);

    private final String base;
    private final Path folder;
    private final LanguageModel model;
    private final TextTokenizer tokenizer;
    private final Adapter adapter;
    private final List<AdaptedTask> tasks;
    private final int maxTokens;
    private final Workers workers;
    private final InputGuide guide;

    private AdaptedModel(
            String base,
            Path folder,
            LanguageModel model,
            TextTokenizer tokenizer,
            Adapter adapter,
            List<AdaptedTask> tasks,
            int maxTokens,
            Workers workers,
            InputGuide guide) {
        this.base = base;
        this.folder = folder;
        this.model = model;
        this.tokenizer = tokenizer;
        this.adapter = adapter;
        this.tasks = List.copyOf(tasks);
        this.maxTokens = Math.min(maxTokens, model.maxTokens());
        this.workers = workers;
        this.guide = guide;
    }

    /** A new adapter and new heads on the model that {@code training} names, which is this one's own. */
    static AdaptedModel create(Training training) {
        return create(training, AutoModel::open, Engine.threads());
    }

    /** The same on weights that the group has in memory once. */
    static AdaptedModel create(Training training, TrainingGroup group) {
        return create(training, group::open, group.threads());
    }

    private static AdaptedModel create(
            Training training, BiFunction<Path, ScalarType, LanguageModel> open, int threads) {
        if (training.tasks().isEmpty()) {
            throw new InputException("There is no task to train on; give at least one.");
        }
        var options = training.options();
        var random = RandomStream.of(options.seed());
        var folder = ModelLocator.locate(training.model());
        var model = open.apply(folder, Engine.dtype(options.dtype()));
        try {
            var tokenizer = TextTokenizer.open(folder);
            var heads = new TaskHeads(model, tokenizer);
            var tasks = training.tasks().stream()
                    .map(task -> heads.create(task, training, random.at("head")))
                    .toList();
            WeightsLog.unused(model.weights());
            var adapter = Adapter.create(
                    ADAPTER, training.adapter().forTasks(training.tasks().size()), model, random.at("adapter"));
            return new AdaptedModel(
                    ModelLocator.hubName(training.model()),
                    folder,
                    model,
                    tokenizer,
                    adapter,
                    tasks,
                    options.maxTokens(training.tasks()),
                    new Workers(options.workers(), threads),
                    InputGuide.NONE);
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /**
     * The model that {@code training} names with a head for each of its tasks and no adapter. Heads with weights have those
     * of the checkpoint, or random ones.
     *
     * @throws InputException if the model cannot be had, or has no head for a task
     */
    @SuppressWarnings("try") // guard and scope work by being open
    public static AdaptedModel bare(Training training) {
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open()) {
            return create(training.adapter(new HeadOnlySpec()));
        }
    }

    /** Opens an adapter for use, as {@link #open(Path, String, int)} with an fp32 model and as many workers as fit. */
    public static AdaptedModel open(Path folder) {
        return open(folder, "fp32", 0);
    }

    /**
     * Opens an adapter folder, or a run folder's, with the base model that it names.
     *
     * @param dtype of the frozen weights: {@code fp32} or {@code bf16}
     * @param workers threads that each take a part of the inputs; 0 for what is fastest here
     * @throws InputException if the folder is none, or its base model is not here or does not fit
     */
    @SuppressWarnings("try") // guard and scope work by being open
    public static AdaptedModel open(Path folder, String dtype, int workers) {
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open();
                var saved = AdapterFolder.open(adapterFolder(folder))) {
            return open(saved.card(), dtype, workers, model -> saved.load(ADAPTER, model), InputGuide.NONE);
        }
    }

    /** The adapter's folder where {@code folder} is a run's, else itself. */
    public static Path adapterFolder(Path folder) {
        var own = new RunFolder(folder).adapter();
        return Files.isDirectory(own) ? own : folder;
    }

    /**
     * Opens a base model with whatever adapter {@code load} puts on it. To be called on the engine, in an open scope.
     *
     * @param card the base model, and the heads that {@code load} adds
     * @param dtype of the frozen weights: {@code fp32} or {@code bf16}
     * @param workers threads that each take a part of the inputs; 0 for what is fastest here
     * @param load attaches the adapter, which the model owns then, and adds the heads
     * @param guide what inputs say of the adapter's experts; closed with the model
     * @throws InputException if the base model is not here
     */
    public static AdaptedModel open(
            AdapterCard card, String dtype, int workers, Function<LanguageModel, Adapter> load, InputGuide guide) {
        var base = ModelLocator.locate(card.baseModel());
        var model = AutoModel.open(base, Engine.dtype(dtype));
        try {
            var tokenizer = TextTokenizer.open(base);
            var heads = new TaskHeads(model, tokenizer);
            heads.addWithoutWeights(card.heads());
            var adapter = load.apply(model);
            var tasks = card.heads().stream().map(heads::restored).toList();
            WeightsLog.unused(model.weights());
            int maxTokens = card.maxTokens().orElse(model.maxTokens());
            return new AdaptedModel(
                    card.baseModel(), base, model, tokenizer, adapter, tasks, maxTokens, new Workers(workers), guide);
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    public LanguageModel model() {
        return model;
    }

    public TextTokenizer tokenizer() {
        return tokenizer;
    }

    public Adapter adapter() {
        return adapter;
    }

    public List<AdaptedTask> tasks() {
        return tasks;
    }

    /** Tokens of an input at most. */
    public int maxTokens() {
        return maxTokens;
    }

    Workers workers() {
        return workers;
    }

    TaskEncoder encoder(int place) {
        var task = tasks.get(place);
        return task.kind() == TaskKind.CAUSAL_LM
                ? causalEncoder(place)
                : new ExampleEncoder(place, task.labels(), tokenizer, maxTokens);
    }

    private CausalEncoder causalEncoder(int place) {
        var options = tasks.get(place).causalLm();
        return new CausalEncoder(place, tokenizer, options.template(folder), options, maxTokens);
    }

    Evaluator evaluator() {
        return new Evaluator(model, workers, tokenizer.padId());
    }

    /** Everything that trains: the adapter's weights, then the heads'. */
    List<Parameter> trained() {
        return Stream.concat(
                        adapter.parameters().stream().filter(Parameter::trainable),
                        tasks.stream().flatMap(task -> trained(task.head())))
                .toList();
    }

    /** What trains of a head. */
    static Stream<Parameter> trained(Head head) {
        return head.trained().stream().flatMap(module -> module.parameters().stream());
    }

    /**
     * Answers inputs.
     *
     * @param task a task's name; see {@link #task}
     * @throws InputException if there is no such task
     */
    public List<Answer> predict(String task, List<Input> inputs) {
        int place = tasks.indexOf(task(task));
        if (tasks.get(place).kind() == TaskKind.CAUSAL_LM) {
            throw new InputException(
                    "Task '" + task + "' is answered with texts, and predictions are labels or numbers;"
                            + " answer with espalier generate --adapter instead.");
        }
        var examples = inputs.stream()
                .map(input -> new Example(input, new Target.None(), UNKNOWN))
                .toList();
        return onEngine(() -> {
            var answers = evaluator()
                    .guided(guide.of(inputs))
                    .answer(tasks.get(place), encoder(place).encode(examples));
            return IntStream.range(0, inputs.size())
                    .mapToObj(i -> Answer.of(tasks.get(place), inputs.get(i), answers.get(i), tokenizer, maxTokens))
                    .toList();
        });
    }

    /** Answers texts by the one task there is. */
    public List<Answer> predict(String... texts) {
        return predict(
                tasks.get(0).name(),
                Arrays.stream(texts).<Input>map(Input.Text::new).toList());
    }

    /**
     * Answers examples and compares with their targets.
     *
     * @param task a task's name; see {@link #task}
     * @throws InputException if there is no such task, or a label is not one of its labels
     */
    public Evaluation evaluate(String task, List<Example> examples) {
        return evaluate(task, examples, 0);
    }

    /**
     * As {@link #evaluate(String, List)}.
     *
     * @param generateTokens tokens of an answer that is written to be compared, where the task asks for texts; 0 to
     *     write none
     */
    public Evaluation evaluate(String task, List<Example> examples, int generateTokens) {
        int place = tasks.indexOf(task(task));
        return onEngine(() -> {
            var encoded = encoder(place).encode(examples, "examples of task '" + task + "'");
            if (encoded.isEmpty() && !examples.isEmpty()) {
                throw new InputException("None of the " + examples.size() + " examples has at most " + maxTokens
                        + " tokens, so there is nothing to evaluate task '" + task + "' on; shorten them.");
            }
            return evaluate(place, examples, encoded, generateTokens, null);
        });
    }

    /**
     * The same for the task at {@code place}, whose examples {@code encoded} are.
     *
     * @param prefix what the first layers make of them; null where that is not known
     */
    Evaluation evaluate(
            int place,
            List<Example> examples,
            List<EncodedExample> encoded,
            int generateTokens,
            @Nullable PrefixStates prefix) {
        var task = tasks.get(place);
        var given = guide.of(examples.stream().map(Example::input).toList());
        var evaluation = evaluator().guided(given).knowing(prefix).evaluate(task, encoded);
        return task.kind() == TaskKind.CAUSAL_LM && model instanceof DecoderModel decoder
                ? new TextJudge(
                                decoder,
                                folder,
                                tokenizer,
                                causalEncoder(place),
                                evaluator(),
                                task,
                                given.and(SequenceGuide.task(place)))
                        .extend(evaluation, examples, generateTokens)
                : evaluation;
    }

    @SuppressWarnings("try") // guard and scope work by being open
    private static <T> T onEngine(Supplier<T> work) {
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open()) {
            return work.get();
        }
    }

    /**
     * The task called {@code name}.
     *
     * @throws InputException if there is none; it says which there are
     */
    public AdaptedTask task(String name) {
        return tasks.stream()
                .filter(task -> task.name().equals(name))
                .findFirst()
                .orElseThrow(() -> {
                    var names = tasks.stream().map(AdaptedTask::name).toList();
                    return new InputException("There is no head for a task '" + name + "'. Did you mean '"
                            + Nearest.to(name, names, 1).get(0) + "'? There are " + String.join(", ", names) + ".");
                });
    }

    /**
     * Writes adapter and heads, so that {@link #open} reads them; the folder is replaced as a whole.
     *
     * @throws InputException if it cannot be written
     */
    public void save(Path folder) {
        var heads =
                tasks.stream().map(task -> TaskHeads.saved(task, tasks.size())).toList();
        AdapterFolder.save(folder, adapter, model, new AdapterCard(base, Optional.of(maxTokens), heads));
    }

    @Override
    public void close() {
        workers.close();
        guide.close();
        adapter.close();
        tokenizer.close();
        model.close();
    }
}
