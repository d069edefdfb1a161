package dev.espalier.bench;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.FullSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.MixtureSpec;
import dev.espalier.adapter.SparseSpec;
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.model.EncoderConfig;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.Head;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Pooling;
import dev.espalier.model.Weights;
import dev.espalier.model.bert.Bert;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.RandomStream;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A BERT-like encoder that learns to label sequences. */
record EncoderWorkload(EncoderConfig config) implements Workload {
    private static final int LABELS = 24;

    @Override
    public LanguageModel model(ScalarType dtype) {
        return new EncoderModel(
                new Bert(), config, new Weights(GeneratedWeights.bert(config, dtype), "bert.", dtype), dtype);
    }

    @Override
    public TaskKind kind() {
        return TaskKind.SINGLE_LABEL;
    }

    @Override
    public Head head(LanguageModel model, RandomStream random) {
        return model.addHead("", kind(), LABELS, Pooling.DEFAULT, random);
    }

    @Override
    public Batch batch(int rows, int tokens) {
        int size = rows * tokens;
        var random = new SplittableRandom(1);
        var lengths = new int[rows];
        Arrays.fill(lengths, tokens);
        return new Batch(
                0,
                Layout.rightPadded(tokens, lengths),
                random.longs(size, 1000, config.vocabulary()).toArray(),
                new long[size],
                random.ints(rows, 0, LABELS).toArray(),
                new float[0],
                random.longs(rows).toArray(),
                rows);
    }

    @Override
    public TargetModules attentionInputs() {
        return TargetModules.of("query", "key", "value");
    }

    @Override
    public TargetModules attention() {
        return TargetModules.of("query", "key", "value", "attention.output.dense");
    }

    @Override
    public TargetModules targets() {
        return TargetModules.of("query", "value");
    }

    @Override
    public int positions() {
        return config.positions();
    }

    @Override
    public int usualBatch() {
        return 16;
    }

    @Override
    public int usualTokens() {
        return 64;
    }

    @Override
    public Work work(AdapterSpec spec, long rows, long tokens) {
        var flops = new Flops(config, rows, tokens);
        double adapter = 0;
        if (spec instanceof LoraSpec lora) {
            adapter = flops.lora(lora, squares(lora));
        } else if (spec instanceof MixtureSpec mixture) {
            adapter = flops.mixture(mixture, squares(mixture));
        } else if (spec instanceof SparseSpec sparse) {
            adapter = flops.sparse(sparse, squares(sparse));
        } else if (spec instanceof FullSpec full) {
            adapter = flops.full(squares(full));
        }
        return new Work(
                flops.linearsForward(), flops.linearsBackward(), flops.attention(), adapter, flops.head(LABELS));
    }

    /** How many square linears the adapted ones of a layer are as wide as: two to four of attention's, or all six. */
    private double squares(AdapterSpec spec) {
        var targets = spec.targets();
        if (targets.equals(TargetModules.allLinear())) {
            return 5 + (double) config.intermediate() / config.hidden();
        }
        return targets.equals(attention()) ? 4 : targets.equals(attentionInputs()) ? 3 : 2;
    }
}
