package dev.espalier.train;

import dev.espalier.adapter.WeightPenalty;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.PrefixStates;
import dev.espalier.model.RouterObservation;
import dev.espalier.tensor.GradientSink;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Profile;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Forward and backward of one optimizer step. Every micro-batch is split among the workers; the loss is the mean over
 * the answers of the whole step, however it is cut, and gradients are summed in a fixed order.
 */
public final class TrainingStep implements AutoCloseable {
    private final LanguageModel model;
    private final List<StepTask> tasks;
    private final Workers workers;
    private final boolean checkpointing;
    private final Optional<WeightPenalty> penalty;
    private final double consistency;
    private final List<Gradients> perWorker = new ArrayList<>();
    private final List<Profile> profiles = new ArrayList<>();
    private @Nullable PrefixStates prefix;
    private boolean oneMask;

    /**
     * @param tasks by {@link Batch#task()}
     * @param trained the weights whose gradients are collected
     */
    public TrainingStep(LanguageModel model, List<StepTask> tasks, List<Parameter> trained, Workers workers) {
        this(model, tasks, trained, workers, false, Optional.empty(), 0);
    }

    /**
     * As the other.
     *
     * @param checkpointing whether blocks are computed again in backward, to save memory
     * @param penalty a loss on the weights, which counts once
     * @param consistency weight of how far the answers of two passes lie apart, whose random draws differ; 0 for a single
     *     pass. The loss is the first pass's, routers' losses are the mean over both
     */
    public TrainingStep(
            LanguageModel model,
            List<StepTask> tasks,
            List<Parameter> trained,
            Workers workers,
            boolean checkpointing,
            Optional<WeightPenalty> penalty,
            double consistency) {
        this.model = model;
        this.checkpointing = checkpointing;
        this.penalty = penalty;
        this.consistency = consistency;
        this.tasks = List.copyOf(tasks);
        this.workers = workers;
        for (int i = 0; i < workers.count(); i++) {
            perWorker.add(new Gradients(trained));
        }
    }

    /** Lets passes from now on take what the first layers make of examples from {@code states}. */
    void prefix(PrefixStates states) {
        prefix = states;
    }

    /** Has causal attention compute all of a row under one mask from now on, as plain implementations do. */
    public void oneMask() {
        oneMask = true;
    }

    /**
     * What a step gave.
     *
     * @param loss the mean over all answers, without the auxiliary loss
     * @param auxiliaryLoss of the routers, on the weights and between two passes, weighted; what is minimised is the sum
     *     of both
     * @param tokens that are not padding
     * @param labels answers asked
     */
    public record Result(
            double loss, double auxiliaryLoss, int tokens, int labels, List<RouterObservation> observations) {}

    /** Measures from the next step on what passes spend their time on; what was measured so far is forgotten. */
    public void profile() {
        profiles.clear();
        perWorker.forEach(gradients -> profiles.add(new Profile()));
    }

    /** How many workers had passes since {@link #profile}: fewer than there are where batches have fewer rows. */
    public int workersAtWork() {
        return Math.toIntExact(
                profiles.stream().filter(profile -> !profile.usages().isEmpty()).count());
    }

    /** What all workers' passes spent their time on since {@link #profile}; nothing if it was never asked for. */
    public Profile profiled() {
        var sum = new Profile();
        profiles.forEach(sum::add);
        return sum;
    }

    /**
     * Computes the gradients of one step; they replace those before.
     *
     * @param microBatches at least one, with at least one answer in all
     * @param random the step's stream
     */
    public Result run(List<Batch> microBatches, RandomStream random) {
        return run(microBatches, random, Optional.empty());
    }

    /**
     * As the other.
     *
     * @param whole takes the gradients of weights that train beside those collected, each the whole gradient of a
     *     micro-batch: these then run one after another, by one worker
     */
    public Result run(List<Batch> microBatches, RandomStream random, Optional<GradientSink> whole) {
        perWorker.forEach(Gradients::clear);
        int labels = microBatches.stream().mapToInt(Batch::labelCount).sum();
        int sequences = microBatches.stream()
                .mapToInt(b -> b.layout().segments().size())
                .sum();
        if (labels == 0) {
            throw new IllegalArgumentException("a step needs at least one answer to learn from");
        }
        double loss = 0;
        double auxiliaryLoss = 0;
        int tokens = 0;
        var observations = new ArrayList<RouterObservation>();
        var rounds = whole.isPresent() ? microBatches.stream().map(List::of).toList() : rounds(microBatches);
        for (var parts : rounds) {
            for (var result :
                    workers.map(parts, (part, place) -> part(part, place, whole, labels, sequences, random))) {
                loss += result.loss;
                auxiliaryLoss += result.auxiliaryLoss;
                tokens += result.tokens;
                observations.addAll(result.observations);
            }
        }
        for (int i = 1; i < perWorker.size(); i++) {
            perWorker.get(0).add(perWorker.get(i));
        }
        auxiliaryLoss += penalty.map(p -> p.addTo(gradients())).orElse(0.0);
        return new Result(loss, auxiliaryLoss, tokens, labels, List.copyOf(observations));
    }

    /** What each worker gets of a micro-batch. */
    List<Batch> parts(Batch batch) {
        boolean joined = tasks.get(batch.task()).kind() == TaskKind.CAUSAL_LM && model.joinsSequences();
        return joined ? batch.join(workers.count()) : batch.split(workers.count());
    }

    /** Parts that run side by side: those of one micro-batch, or several micro-batches that are too small to be cut. */
    private List<List<Batch>> rounds(List<Batch> microBatches) {
        var rounds = new ArrayList<List<Batch>>();
        List<Batch> open = new ArrayList<>();
        for (var batch : microBatches) {
            var parts = parts(batch);
            if (open.size() + parts.size() > workers.count()) {
                rounds.add(open);
                open = new ArrayList<>();
            }
            open.addAll(parts);
        }
        rounds.add(open);
        return rounds;
    }

    private GradientSink sink(int worker, Optional<GradientSink> whole, SummingSink summed) {
        var collected = perWorker.get(worker);
        return whole.isEmpty()
                ? collected
                : (parameter, gradient) -> {
                    collected.add(parameter, gradient);
                    summed.add(parameter, gradient);
                };
    }

    private Result part(
            Batch part, int worker, Optional<GradientSink> whole, int labels, int sequences, RandomStream random) {
        var profile = profiles.isEmpty() ? null : profiles.get(worker);
        if (profile != null) {
            profile.start();
        }
        try {
            return part(part, worker, profile, whole, labels, sequences, random);
        } finally {
            if (profile != null) {
                profile.stop();
            }
        }
    }

    private Result part(
            Batch part,
            int worker,
            @Nullable Profile profile,
            Optional<GradientSink> whole,
            int labels,
            int sequences,
            RandomStream random) {
        var task = tasks.get(part.task());
        try (var scope = Scope.open();
                var summed =
                        new SummingSink(whole.orElse((p, g) -> {}), task.head().passes() * (consistency == 0 ? 1 : 2));
                var first = ForwardContext.training(
                                Tape.recording(sink(worker, whole, summed), profile),
                                part.layout(),
                                draws(part, sequences, random))
                        .checkpointing(checkpointing)
                        .oneMask(oneMask)
                        .tasks(part.tasks())) {
            if (prefix != null) {
                first.prefix(prefix);
            }
            var passes = List.of(first);
            Variable loss;
            if (consistency == 0) {
                loss = model.loss(task.head(), task.kind(), part, 1.0 / labels, first);
            } else {
                var second = first.again(draws(part, sequences, random.at("second pass")));
                passes = List.of(first, second);
                loss = model.loss(task.head(), task.kind(), part, 1.0 / labels, consistency, first, second);
            }
            first.tape().backward(loss);
            return new Result(
                    loss.value().item_double(),
                    passes.stream().mapToDouble(ForwardContext::auxiliaryLoss).sum(),
                    part.layout().tokenCount(),
                    part.labelCount(),
                    passes.stream()
                            .flatMap(pass -> pass.observations().stream())
                            .toList());
        }
    }

    /** The draws of one pass; routers' losses per sequence are divided by the sequences of all passes. */
    private ForwardContext.Training draws(Batch part, int sequences, RandomStream random) {
        return new ForwardContext.Training(random, part.exampleIds(), consistency == 0 ? sequences : 2 * sequences);
    }

    /** The gradients of the last step, by parameter. */
    public Gradients gradients() {
        return perWorker.get(0);
    }

    @Override
    public void close() {
        perWorker.forEach(Gradients::close);
    }
}
