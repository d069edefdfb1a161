package dev.espalier.train;

import dev.espalier.adapter.HeadOnlySpec;
import dev.espalier.adapter.ModelMatrices;
import dev.espalier.allocation.AllocationRule;
import dev.espalier.allocation.Sensitivities;
import dev.espalier.data.Batch;
import dev.espalier.data.EncodedExample;
import dev.espalier.error.InputException;
import dev.espalier.model.Linear;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Measures which weight matrices of a model each task depends on (LoRA-SMoE, arXiv 2505.06272): with no adapter attached,
 * on a few training rows one by one, {@code S_t(m) = Σ_rows Σ_ij (∂L/∂W_m[i,j])²} with the loss on the answers only,
 * their mean in each row. Nothing drops out. Norms, biases, embeddings and heads are not measured.
 *
 * <pre>{@code
 * var probed = SensitivityProbe.of(Training.of(model).task(task), ProbeOptions.DEFAULT).run();
 * var allocation = new PercentileRule(60, Grouping.ATTENTION).allocate(probed.matrices());
 * }</pre>
 */
public final class SensitivityProbe {
    private final Training training;
    private final ProbeOptions options;
    private final Optional<AllocationRule> rule;

    private SensitivityProbe(Training training, ProbeOptions options, Optional<AllocationRule> rule) {
        this.training = training;
        this.options = options;
        this.rule = rule;
    }

    /** A probe for what {@code training} describes: its model, tasks, dtype and seed; its adapter plays no part. */
    public static SensitivityProbe of(Training training, ProbeOptions options) {
        return new SensitivityProbe(training.adapter(new HeadOnlySpec()), options, Optional.empty());
    }

    /** The same, for a rule to go by: what that refuses whatever is measured is refused before anything is. */
    public SensitivityProbe by(AllocationRule asked) {
        return new SensitivityProbe(training, options, Optional.of(asked));
    }

    /**
     * Measures.
     *
     * @throws InputException if the model cannot be had, a task does not fit it or has no rows, a target matches nothing,
     *     the rule refuses the matrices, or a gradient is not finite
     */
    public Probed run() {
        try (var alone = new TrainingGroup(1)) {
            return run(alone);
        }
    }

    @SuppressWarnings("try") // guard and scope work by being open
    Probed run(TrainingGroup group) {
        var memory = group.memory();
        try (var guard = Engine.enter(group.threads());
                var scope = Scope.open()) {
            training.listener().phase("loading " + training.model());
            try (var adapted = AdaptedModel.create(training, group)) {
                var matrices = ModelMatrices.of(adapted.model(), options.targets());
                var linears = ModelMatrices.linears(adapted.model(), options.targets());
                rule.ifPresent(asked -> asked.requireFit(matrices));
                if (options.trainHead()) {
                    HeadWarmUp.run(training, adapted);
                }
                adapted.trained().forEach(parameter -> parameter.trainable(false));
                var whole = new Measured();
                var half = new Measured();
                Map<String, Integer> samples = new LinkedHashMap<>();
                for (int place = 0; place < adapted.tasks().size(); place++) {
                    var task = adapted.tasks().get(place);
                    training.listener().phase("measuring the gradients of " + task.name());
                    var pass = pass(adapted, task, linears.values());
                    var sample = sample(adapted, place);
                    var rows = rows(sample, pass.unit());
                    var values = measure(pass, rows, adapted.tokenizer().padId());
                    whole.put(task.name(), linears.keySet(), values);
                    int part = rows.size() / 2 / pass.unit() * pass.unit();
                    if (part > 0) {
                        half.put(task.name(), linears.keySet(), values.subList(0, part));
                    }
                    samples.put(task.name(), Math.min(rows.size(), sample.size()));
                    memory.sample();
                }
                return new Probed(
                        matrices.with(new Sensitivities(whole.tasks)),
                        half.tasks.isEmpty() ? Optional.empty() : Optional.of(new Sensitivities(half.tasks)),
                        Collections.unmodifiableMap(samples),
                        memory.megabytes());
            }
        }
    }

    private SensitivityPass pass(AdaptedModel adapted, AdaptedTask task, Collection<Linear> matrices) {
        var asked = new StepTask(task.head(), task.kind());
        boolean checkpointing = training.options().gradientCheckpointing();
        return switch (options.pass()) {
            case EXACT -> SensitivityPass.exact(adapted.model(), asked, checkpointing, matrices);
            case BLOCKWISE -> SensitivityPass.blockwise(adapted.model(), asked, checkpointing, matrices);
        };
    }

    /** Training rows of a task in an order drawn by seed and task, as many as are asked for at most. */
    private List<EncodedExample> sample(AdaptedModel adapted, int place) {
        var data = training.tasks().get(place);
        var rows = new ArrayList<>(
                adapted.encoder(place).encode(data.train(), "training examples of task '" + data.name() + "'"));
        if (rows.isEmpty()) {
            throw new InputException("Task '" + data.name() + "': none of its "
                    + data.train().size() + " training examples has at most " + adapted.maxTokens()
                    + " tokens, so there is nothing to measure on; raise max-tokens, or choose too-long: truncate.");
        }
        var seed = RandomStream.of(training.options().seed())
                .at("probe")
                .at(data.name())
                .seed();
        Collections.shuffle(rows, new Random(seed));
        return rows.subList(0, Math.min(rows.size(), options.samples()));
    }

    /** The rows to measure on, a multiple of {@code unit}, so that each of its parts gets every {@code unit}-th. */
    private List<EncodedExample> rows(List<EncodedExample> sample, int unit) {
        if (options.samples() < unit) {
            throw new InputException("A block-wise probe measures one of the " + unit + " layers on each row, so "
                    + options.samples() + " samples are too few; raise them to " + unit + " or more.");
        }
        return places(sample.size(), unit, options.samples() / unit).stream()
                .map(sample::get)
                .toList();
    }

    /**
     * Which of {@code rows} come one after the other. Where they are too few they come again, moved on by one whenever a
     * part would see the same ones again: no part sees a row twice.
     *
     * @param unit parts that take turns
     * @param turns for each at most; fewer where there are fewer rows
     */
    static List<Integer> places(int rows, int unit, int turns) {
        int around = Math.multiplyExact(rows, unit)
                / BigInteger.valueOf(rows).gcd(BigInteger.valueOf(unit)).intValue();
        return IntStream.range(0, Math.min(turns, rows) * unit)
                .mapToObj(i -> (i + i / around) % rows)
                .toList();
    }

    private static List<double[]> measure(SensitivityPass pass, List<EncodedExample> rows, int padId) {
        return rows.stream()
                .map(row -> pass.measure(Batch.of(List.of(row), padId)))
                .toList();
    }

    /** Sums over rows, by task and module. */
    private static final class Measured {
        private final Map<String, Map<String, Double>> tasks = new LinkedHashMap<>();

        void put(String task, Collection<String> modules, List<double[]> rows) {
            Map<String, Double> sums = new LinkedHashMap<>();
            int place = 0;
            for (var module : modules) {
                int at = place++;
                sums.put(module, rows.stream().mapToDouble(row -> row[at]).sum());
            }
            tasks.put(task, sums);
        }
    }
}
