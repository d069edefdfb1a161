package dev.espalier.bench;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.data.Batch;
import dev.espalier.error.InputException;
import dev.espalier.model.Head;
import dev.espalier.model.LanguageModel;
import dev.espalier.optim.AdamW;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.report.StepProfile;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Profile;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.train.PeakMemory;
import dev.espalier.train.StepTask;
import dev.espalier.train.TrainingStep;
import dev.espalier.train.Workers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;

/**
 * A whole training step (forward, backward, AdamW) on full rows of random tokens, as {@code train} runs
 * it, against the matrix product that the same process reaches.
 */
public final class StepBenchmark {
    private static final int WARM_UP = 8;

    /**
     * What to measure.
     *
     * @param dtype {@code fp32} or {@code bf16}
     * @param batch rows
     * @param tokens of every row
     * @param spec the adapter
     * @param steps how many are timed after the warm-up
     * @param workers as in training; 0 for automatic
     * @param checkpointing whether a decoder's blocks are computed again in backward
     * @param profile whether it is measured what steps spend their time and memory on
     */
    public record Options(
            Shape shape,
            String dtype,
            int batch,
            int tokens,
            AdapterSpec spec,
            int steps,
            int workers,
            boolean checkpointing,
            boolean profile) {
        public Options {
            if (batch < 1 || tokens < 1 || steps < 1 || workers < 0) {
                throw new InputException("Batch, tokens and steps must be at least 1 and workers at least 0, but are "
                        + batch + ", " + tokens + ", " + steps + " and " + workers + ".");
            }
            if (tokens > shape.workload().positions()) {
                throw new InputException("The shape has " + shape.workload().positions() + " positions, but " + tokens
                        + " tokens are asked for.");
            }
        }

        private Options with(AdapterSpec other) {
            return new Options(shape, dtype, batch, tokens, other, steps, workers, checkpointing, profile);
        }
    }

    private StepBenchmark() {}

    /** Measures one combination. */
    public static BenchmarkResult run(Options options) {
        return run(options, List.of(options.spec())).get(0);
    }

    /**
     * Measures several adapters on one model, a step of each in turn, so that what else the machine does slows them alike.
     * Their memory is that of all of them.
     *
     * @param options for all; its adapter is not looked at
     * @return a result for each of {@code specs}
     */
    public static List<BenchmarkResult> run(Options options, List<AdapterSpec> specs) {
        var dtype = Engine.dtype(options.dtype());
        var workload = options.shape().workload();
        var memory = new PeakMemory();
        memory.start();
        var candidates = new ArrayList<Candidate>();
        int workerCount;
        try (var guard = Engine.enter(Engine.threads());
                var model = workload.model(dtype);
                var workers = new Workers(options.workers())) {
            workerCount = workers.count();
            var head = workload.head(model, RandomStream.of(0).at("head"));
            var batch = workload.batch(options.batch(), options.tokens());
            try {
                for (var spec : specs) {
                    candidates.add(new Candidate("bench" + candidates.size(), spec, model, head, options, workers));
                }
                for (int i = -WARM_UP; i < options.steps(); i++) {
                    if (i == 0 && options.profile()) {
                        candidates.forEach(Candidate::profile);
                    }
                    for (var candidate : candidates) {
                        candidate.step(batch, i);
                    }
                }
            } finally {
                candidates.forEach(Candidate::close);
            }
        }
        memory.sample();
        double peak = GemmPeak.measure(dtype);
        return candidates.stream()
                .map(candidate -> BenchmarkResult.of(
                        options.with(candidate.spec),
                        workerCount,
                        candidate.trainedWeights,
                        candidate.seconds.stream().mapToDouble(d -> d).toArray(),
                        workload.work(candidate.spec, options.batch(), options.tokens())
                                .times(passes(candidate.spec)),
                        memory.megabytes(),
                        peak,
                        candidate.profile(options)))
                .toList();
    }

    private static int passes(AdapterSpec spec) {
        return spec.consistency() > 0 ? 2 : 1;
    }

    /** An adapter with its optimizer, enabled in its own steps only. */
    private static final class Candidate implements AutoCloseable {
        private final AdapterSpec spec;
        private final Adapter adapter;
        private final TrainingStep step;
        private final AdamW optimizer;
        private final long trainedWeights;
        private final List<Double> seconds = new ArrayList<>();
        private Profile around = new Profile();

        Candidate(String name, AdapterSpec spec, LanguageModel model, Head head, Options options, Workers workers) {
            this.spec = spec;
            adapter = Adapter.create(name, spec, model, RandomStream.of(0).at("adapter"));
            adapter.disable();
            var parameters = trained(adapter, head);
            trainedWeights = adapter.trainedWeights();
            step = new TrainingStep(
                    model,
                    List.of(new StepTask(head, options.shape().workload().kind())),
                    parameters,
                    workers,
                    options.checkpointing(),
                    Optional.empty(),
                    spec.consistency());
            optimizer = new AdamW(List.of(ParameterGroup.of(byName(parameters), 0)), AdamW.Options.DEFAULT);
        }

        /** @param number below 0 in the warm-up, whose steps don't count */
        void step(Batch batch, int number) {
            adapter.enable();
            long start = System.nanoTime();
            try (var scope = Scope.open()) {
                step.run(List.of(batch), RandomStream.of(0).at(number));
                around.measure(Part.OPTIMIZER, () -> update(1e-4));
            }
            if (number >= 0) {
                seconds.add((System.nanoTime() - start) / 1e9);
            }
            adapter.disable();
        }

        private int update(double rate) {
            optimizer.step(step.gradients().byName(), rate);
            return 0;
        }

        void profile() {
            around = new Profile();
            step.profile();
        }

        Optional<StepProfile> profile(Options options) {
            double sum = seconds.stream().mapToDouble(d -> d).sum();
            return options.profile()
                    ? Optional.of(StepProfile.of(step.profiled(), around, options.steps(), step.workersAtWork(), sum))
                    : Optional.empty();
        }

        @Override
        public void close() {
            optimizer.close();
            step.close();
            adapter.close();
        }
    }

    private static List<Parameter> trained(Adapter adapter, Head head) {
        var parameters = new ArrayList<>(
                adapter.parameters().stream().filter(Parameter::trainable).toList());
        head.trained().forEach(module -> parameters.addAll(module.parameters()));
        return parameters;
    }

    private static Map<String, Tensor> byName(List<Parameter> parameters) {
        var byName = new LinkedHashMap<String, Tensor>();
        parameters.forEach(p -> byName.put(p.name(), p.value()));
        return byName;
    }
}
