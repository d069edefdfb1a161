package dev.espalier.train;

import dev.espalier.adapter.BudgetSchedule;
import dev.espalier.adapter.GradientTransform;
import dev.espalier.data.Batcher;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.Packing;
import dev.espalier.data.Split;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.CausalLmHead;
import dev.espalier.model.FullLogitsHead;
import dev.espalier.model.Head;
import dev.espalier.model.PrefixStates;
import dev.espalier.optim.Optimizer;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** All that a run works with once it is set up: the model with adapter and heads, the data as numbers, the optimizer. */
final class Session implements AutoCloseable {
    final AdaptedModel adapted;
    /** Options that change nothing that is computed. */
    private static final Set<String> FREE = Set.of("csv", "tensorboard", "profile");

    final List<TaskSplits> tasks = new ArrayList<>();
    /** The training rows of each task. */
    final List<List<List<EncodedExample>>> rows;

    final Batcher batcher;
    final int steps;
    final RunStages stages;
    final List<Parameter> trained;
    /** What a state must hold: what gradients train, and what else of the adapter changes. */
    final List<Parameter> weights;

    final TrainingStep step;
    final Optimizer optimizer;
    final Optional<BudgetSchedule> budget;
    final Optional<GradientTransform> transform;
    final Evaluator evaluator;
    private final List<TaskData> data;
    final RandomStream random;
    private final List<Map<String, Tensor>> gradientsOfTask = new ArrayList<>();
    private @Nullable PrefixStates validationPrefix;

    /** The examples of a task as numbers. */
    record TaskSplits(
            AdaptedTask task, List<EncodedExample> train, List<EncodedExample> validation, List<EncodedExample> test) {}

    Session(Training training, AdaptedModel adapted) {
        var options = training.options();
        this.adapted = adapted;
        data = training.tasks();
        for (int place = 0; place < training.tasks().size(); place++) {
            tasks.add(splits(training.tasks().get(place), place));
        }
        rows = tasks.stream().map(task -> rows(task, options)).toList();
        batcher = new Batcher(
                rows, shape(options), options.seed(), adapted.tokenizer().padId());
        steps = options.steps(batcher.batchesPerEpoch());
        random = RandomStream.of(options.seed()).at("step");
        trained = adapted.trained();
        weights = Stream.concat(
                        trained.stream(),
                        adapted.adapter().parameters().stream().filter(p -> !p.trainable()))
                .toList();
        if (trained.isEmpty()) {
            throw new InputException("There is nothing to train: method '"
                    + training.adapter().method() + "' trains heads alone, and label embeddings have no weights; choose"
                    + " another method, or a head that is a classifier.");
        }
        var stepTasks = adapted.tasks().stream()
                .map(t -> new StepTask(head(t, options.rows().logits()), t.kind()))
                .toList();
        step = new TrainingStep(
                adapted.model(),
                stepTasks,
                trained,
                adapted.workers(),
                options.gradientCheckpointing(),
                adapted.adapter().penalty(),
                adapted.adapter().spec().consistency());
        if (options.rows().attention() == RowOptions.Attention.ONE_MASK) {
            step.oneMask();
        }
        transform = adapted.adapter().gradientTransform();
        budget = adapted.adapter().startTraining(steps, batcher.batchesPerEpoch());
        optimizer = options.optimizer().create(trained, adapted.adapter().learningRateFactors(), options.weightDecay());
        evaluator = adapted.evaluator();
        stages = new RunStages(adapted.adapter(), options, steps);
        beginStage();
    }

    private Batcher.Shape shape(TrainingOptions options) {
        int leastTokens =
                switch (options.rows().padding()) {
                    case NEEDED -> 0;
                    case LONGEST -> 1;
                    case MAX_TOKENS -> adapted.maxTokens();
                };
        return new Batcher.Shape(
                options.batchSize(), options.rows().rowOrder() == RowOptions.Order.LIKE_LENGTHS, leastTokens);
    }

    private static Head head(AdaptedTask task, RowOptions.Logits logits) {
        return logits == RowOptions.Logits.ALL && task.head() instanceof CausalLmHead head
                ? new FullLogitsHead(head)
                : task.head();
    }

    /** Lets passes take what the first layers make of the examples of each split from these. */
    void prefix(PrefixStates ofTraining, PrefixStates ofValidation) {
        step.prefix(ofTraining);
        validationPrefix = ofValidation;
    }

    /** Hands to the optimizer what the stage trains. */
    private void beginStage() {
        gradientsOfTask.clear();
        adapted.tasks().forEach(task -> gradientsOfTask.add(gradients(task)));
    }

    /** Goes on to the next stage, in which whatever trains begins anew. */
    void nextStage() {
        stages.next();
        beginStage();
        optimizer.forget(training().map(Parameter::name).collect(Collectors.toSet()));
    }

    /** Takes up a run again that has done so many steps. */
    void resume(int done) {
        stages.resume(done);
        beginStage();
    }

    /** What trains in this stage. */
    Stream<Parameter> training() {
        return Stream.concat(
                adapted.adapter().parameters().stream().filter(Parameter::trainable),
                adapted.tasks().stream().flatMap(this::training));
    }

    /** What of a task's head trains in this stage. */
    private Stream<Parameter> training(AdaptedTask task) {
        return stages.heads() ? AdaptedModel.trained(task.head()) : Stream.empty();
    }

    private List<List<EncodedExample>> rows(TaskSplits task, TrainingOptions options) {
        if (!options.rows().packing()) {
            return Batcher.alone(task.train());
        }
        if (task.task().kind() != TaskKind.CAUSAL_LM) {
            throw new InputException("Task '" + task.task().name()
                    + "' asks for labels or a number, which needs a row for each example; remove packing.");
        }
        return Packing.pack(task.train(), adapted.maxTokens(), options.seed());
    }

    /** The weights as they are, on a split of the task at {@code place}. */
    Evaluation evaluate(int place, Split split, int generateTokens) {
        var examples =
                split == Split.TEST ? data.get(place).test() : data.get(place).validation();
        var encoded =
                split == Split.TEST ? tasks.get(place).test() : tasks.get(place).validation();
        var known = split == Split.TEST ? null : validationPrefix;
        return adapted.evaluate(place, examples, encoded, generateTokens, known);
    }

    private TaskSplits splits(TaskData data, int place) {
        var encoder = adapted.encoder(place);
        var ofTask = " of task '" + data.name() + "'";
        var train = encoder.encode(data.train(), "training examples" + ofTask);
        if (train.isEmpty()) {
            throw new InputException(
                    "Task '" + data.name() + "': none of its " + data.train().size()
                            + " training examples has at most " + adapted.maxTokens()
                            + " tokens and one to learn among them, so there is nothing to train on; raise max-tokens, choose"
                            + " another too-long, or check the chat template.");
        }
        return new TaskSplits(
                adapted.tasks().get(place),
                train,
                encoder.encode(data.validation(), "validation examples" + ofTask),
                encoder.encode(data.test(), "test examples" + ofTask));
    }

    /** The gradients a step of this task gives: a head that took no part is left as it is, momentum and all. */
    private Map<String, Tensor> gradients(AdaptedTask task) {
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        Stream.concat(adapted.adapter().parameters().stream().filter(Parameter::trainable), training(task))
                .forEach(p -> gradients.put(p.name(), step.gradients().of(p)));
        return gradients;
    }

    /** The last step's gradients, which was a step of the task at {@code place}. */
    Map<String, Tensor> gradients(int place) {
        return gradientsOfTask.get(place);
    }

    /** What a resumed run must have in common with the run it goes on with, by the names that people know. */
    Map<String, String> settings(Training training) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("model", training.model());
        settings.put("adapter", training.adapter().toString());
        settings.put("pooling", training.pooling().toString());
        training.labelEmbeddings().ifPresent(labels -> settings.put("label embeddings", labels.toString()));
        Json.recipes().valueToTree(training.options()).properties().stream()
                .filter(option -> !FREE.contains(option.getKey()))
                .forEach(option -> settings.put(
                        option.getKey(),
                        option.getValue().asString(option.getValue().toString())));
        settings.put("workers", Integer.toString(adapted.workers().count()));
        for (var task : tasks) {
            settings.put("checksum of the training data of " + task.task().name(), checksum(task.train()));
        }
        return settings;
    }

    private static String checksum(List<EncodedExample> examples) {
        var sum = new CRC32();
        for (var example : examples) {
            var text = Arrays.toString(example.ids())
                    + Arrays.toString(example.labels())
                    + Arrays.toString(example.values())
                    + example.candidates().stream().map(Arrays::toString).collect(Collectors.joining());
            sum.update(text.getBytes(StandardCharsets.US_ASCII));
        }
        return Long.toHexString(sum.getValue());
    }

    @Override
    public void close() {
        budget.ifPresent(BudgetSchedule::close);
        optimizer.close();
        step.close();
    }
}
