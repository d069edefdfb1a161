package dev.espalier.bench;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.FullSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.MixtureSpec;
import dev.espalier.adapter.SparseSpec;
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.model.DecoderConfig;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.DecoderNames;
import dev.espalier.model.Head;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Weights;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.RandomStream;
import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A Llama-like decoder that learns every token of its rows. */
record DecoderWorkload(DecoderConfig config) implements Workload {
    @Override
    public LanguageModel model(ScalarType dtype) {
        var weights = new Weights(GeneratedWeights.llama(config, dtype), DecoderNames.LLAMA.prefix(), dtype);
        return new DecoderModel(config, DecoderNames.LLAMA, weights, dtype);
    }

    @Override
    public TaskKind kind() {
        return TaskKind.CAUSAL_LM;
    }

    @Override
    public Head head(LanguageModel model, RandomStream random) {
        return Objects.requireNonNull(model.heads().get(""));
    }

    @Override
    public Batch batch(int rows, int tokens) {
        int size = rows * tokens;
        var random = new SplittableRandom(1);
        var lengths = new int[rows];
        Arrays.fill(lengths, tokens);
        var ids = random.ints(size, 0, config.vocabulary()).toArray();
        var labels = ids.clone();
        for (int row = 0; row < rows; row++) {
            labels[row * tokens] = Batch.IGNORED;
        }
        return new Batch(
                0,
                Layout.rightPadded(tokens, lengths),
                Arrays.stream(ids).asLongStream().toArray(),
                new long[size],
                labels,
                new float[0],
                random.longs(rows).toArray(),
                rows * (tokens - 1));
    }

    @Override
    public TargetModules attentionInputs() {
        return TargetModules.of("q_proj", "k_proj", "v_proj");
    }

    @Override
    public TargetModules attention() {
        return TargetModules.of("q_proj", "k_proj", "v_proj", "o_proj");
    }

    @Override
    public TargetModules targets() {
        return TargetModules.of("q_proj", "v_proj");
    }

    @Override
    public int positions() {
        return config.maxTokens();
    }

    @Override
    public int usualBatch() {
        return 4;
    }

    @Override
    public int usualTokens() {
        return 256;
    }

    @Override
    public Work work(AdapterSpec spec, long rows, long tokens) {
        double n = (double) rows * tokens;
        double d = config.hidden();
        double q = (double) config.heads() * config.headDim();
        double kv = (double) config.keyValueHeads() * config.headDim();
        int layers = config.layers().size();
        double layer = 2 * d * q + 2 * d * kv + 3 * d * config.intermediate();
        double linears = 2 * n * layers * layer;
        // In the first layer nothing below queries, keys and values trains.
        double backward = linears - 2 * n * d * (q + 2 * kv);
        // A query sees half of the keys on average: two products forward, four backward.
        double attention = 6 * layers * 2 * n * (tokens + 1) / 2 * q;
        double head = 4 * rows * (tokens - 1.0) * d * config.vocabulary();
        return new Work(linears, backward, attention, adapter(spec, n, d, q, kv, layers), head);
    }

    /** Two products forward and four backward, three for what reads the first layer's input. */
    private double adapter(AdapterSpec spec, double n, double d, double q, double kv, int layers) {
        boolean all = spec.targets().equals(TargetModules.allLinear());
        boolean attention = spec.targets().equals(attention());
        boolean keys = all || attention || spec.targets().equals(attentionInputs());
        double lowest = keys ? 3 * d : 2 * d;
        double ins = all ? 5 * d + q + config.intermediate() : attention ? 3 * d + q : lowest;
        double outs = keys ? q + 2 * kv : q + kv;
        double weights = d * outs;
        if (all) {
            outs += 2 * d + 2.0 * config.intermediate();
            weights += d * q + 3 * d * config.intermediate();
        } else if (attention) {
            outs += d;
            weights += d * q;
        }
        if (spec instanceof FullSpec) {
            return 2 * n * weights * layers;
        }
        if (spec instanceof SparseSpec sparse) {
            double kept = sparse.kept().rank() > 0
                    ? sparse.kept().rank() * (ins + outs)
                    : sparse.kept().ratio() * weights;
            // The first layer's input needs no gradient.
            return 2 * n * kept * (3 * layers - 1);
        }
        double rank = spec instanceof LoraSpec lora
                ? lora.rank()
                : spec instanceof MixtureSpec mixture ? mixture.activeRank() : 0;
        double lowRank = 3 * 2 * n * rank * (ins + outs) * layers - 2 * n * rank * lowest;
        double router = spec instanceof MixtureSpec mixture
                ? 2 * n * mixture.experts().count() * (3 * layers * ins - lowest)
                : 0;
        return lowRank + router;
    }
}
