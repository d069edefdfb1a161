package dev.espalier.train;

import dev.espalier.adapter.Adapter;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.data.ExampleEncoder;
import dev.espalier.error.InputException;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.Head;
import dev.espalier.model.auto.AutoEncoder;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.text.TextTokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A frozen model with an adapter, a head for each task, and its tokenizer: what a run trains and a folder restores. */
public final class AdaptedModel implements AutoCloseable {
    /** The adapter's name among those of the model. */
    private static final String ADAPTER = "default";

    private final EncoderModel model;
    private final TextTokenizer tokenizer;
    private final Adapter adapter;
    private final List<AdaptedTask> tasks;
    private final int maxTokens;
    private final Workers workers;

    private AdaptedModel(
            EncoderModel model,
            TextTokenizer tokenizer,
            Adapter adapter,
            List<AdaptedTask> tasks,
            int maxTokens,
            Workers workers) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.adapter = adapter;
        this.tasks = List.copyOf(tasks);
        this.maxTokens = Math.min(maxTokens, model.maxTokens());
        this.workers = workers;
    }

    /** A new adapter and new heads on the model that {@code training} names. */
    static AdaptedModel create(Training training) {
        if (training.tasks().isEmpty()) {
            throw new InputException("There is no task to train on; give at least one.");
        }
        var options = training.options();
        var random = RandomStream.of(options.seed());
        var folder = ModelLocator.locate(training.model());
        var model = AutoEncoder.open(folder, Engine.dtype(options.dtype()));
        try {
            var tasks = new ArrayList<AdaptedTask>();
            for (var task : training.tasks()) {
                var head = model.addHead(
                        training.tasks().size() == 1 ? "" : task.name(),
                        task.kind(),
                        task.outputs(),
                        training.pooling(),
                        random.at("head"));
                tasks.add(new AdaptedTask(task.name(), task.kind(), task.labels(), training.pooling(), head));
            }
            var tokenizer = TextTokenizer.open(folder);
            var adapter = Adapter.create(ADAPTER, training.adapter(), model, random.at("adapter"));
            return new AdaptedModel(
                    model, tokenizer, adapter, tasks, options.maxTokens(), new Workers(options.workers()));
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    public EncoderModel model() {
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

    Workers workers() {
        return workers;
    }

    ExampleEncoder encoder(int task) {
        return new ExampleEncoder(task, tasks.get(task).labels(), tokenizer, maxTokens);
    }

    Evaluator evaluator(int batchSize) {
        return new Evaluator(model, workers, batchSize, tokenizer.padId());
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

    @Override
    public void close() {
        workers.close();
        adapter.close();
        tokenizer.close();
        model.close();
    }
}
