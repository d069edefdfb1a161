package dev.espalier.bench;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.error.InputException;
import dev.espalier.model.Head;
import dev.espalier.optim.AdamW;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
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
     */
    public record Options(Shape shape, String dtype, int batch, int tokens, AdapterSpec spec, int steps, int workers) {
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
    }

    private StepBenchmark() {}

    /** Measures one combination. */
    public static BenchmarkResult run(Options options) {
        var dtype = Engine.dtype(options.dtype());
        var workload = options.shape().workload();
        var seconds = new double[options.steps()];
        long trained;
        int workerCount;
        var memory = new PeakMemory();
        memory.start();
        try (var guard = Engine.enter(Engine.threads());
                var model = workload.model(dtype);
                var workers = new Workers(options.workers())) {
            var random = RandomStream.of(0);
            var head = workload.head(model, random.at("head"));
            try (var adapter = Adapter.create("bench", options.spec(), model, random.at("adapter"))) {
                var parameters = trained(adapter, head);
                trained =
                        adapter.parameters().stream().mapToLong(Parameter::size).sum();
                workerCount = workers.count();
                try (var step = new TrainingStep(
                                model, List.of(new StepTask(head, workload.kind())), parameters, workers);
                        var optimizer =
                                new AdamW(List.of(ParameterGroup.of(byName(parameters), 0)), AdamW.Options.DEFAULT)) {
                    var batch = workload.batch(options.batch(), options.tokens());
                    for (int i = -WARM_UP; i < options.steps(); i++) {
                        long start = System.nanoTime();
                        try (var scope = Scope.open()) {
                            step.run(List.of(batch), random.at(i));
                            optimizer.step(step.gradients().byName(), 1e-4);
                        }
                        if (i >= 0) {
                            seconds[i] = (System.nanoTime() - start) / 1e9;
                        }
                    }
                }
            }
        }
        memory.sample();
        return BenchmarkResult.of(
                options,
                workerCount,
                trained,
                seconds,
                workload.flops(options.spec(), options.batch(), options.tokens()),
                memory.megabytes(),
                GemmPeak.measure(dtype));
    }

    private static List<Parameter> trained(Adapter adapter, Head head) {
        var parameters = new ArrayList<>(adapter.parameters());
        head.trained().forEach(module -> parameters.addAll(module.parameters()));
        return parameters;
    }

    private static Map<String, Tensor> byName(List<Parameter> parameters) {
        var byName = new LinkedHashMap<String, Tensor>();
        parameters.forEach(p -> byName.put(p.name(), p.value()));
        return byName;
    }
}
