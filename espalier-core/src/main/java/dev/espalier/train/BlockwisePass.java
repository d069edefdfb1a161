package dev.espalier.train;

import dev.espalier.allocation.ModulePath;
import dev.espalier.data.Batch;
import dev.espalier.importance.ElementScore;
import dev.espalier.importance.GradientStatistics;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.optim.AdamW;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The matrices of one layer on each row, layer after layer from the lowest, and an AdamW step with their gradients before
 * the next row, as the authors of LoRA-SMoE probe (arXiv 2505.06272). That moments start from 0 at every step is an
 * assumption, as block-wise optimizers do it. The steps change fp32 copies of the weights, which take as much memory as
 * the matrices in fp32.
 */
final class BlockwisePass implements SensitivityPass {
    /** The authors' learning rate. */
    static final double LEARNING_RATE = 1e-5;

    private static final String COPY = "probe";

    private final LanguageModel model;
    private final StepTask task;
    private final boolean checkpointing;
    private final List<Linear> matrices;
    private final List<Parameter> copies = new ArrayList<>();
    private final List<List<Integer>> layers;
    private final Owner owner = new Owner();
    private int rows;

    BlockwisePass(LanguageModel model, StepTask task, boolean checkpointing, Collection<Linear> matrices) {
        this.model = model;
        this.task = task;
        this.checkpointing = checkpointing;
        this.matrices = List.copyOf(matrices);
        Map<Integer, List<Integer>> byLayer = new TreeMap<>();
        for (int i = 0; i < this.matrices.size(); i++) {
            int layer = ModulePath.of(this.matrices.get(i).name()).layer().orElse(Integer.MAX_VALUE);
            byLayer.computeIfAbsent(layer, none -> new ArrayList<>()).add(i);
        }
        layers = List.copyOf(byLayer.values());
        this.matrices.forEach(this::copy);
    }

    private void copy(Linear linear) {
        try (var scope = Scope.open()) {
            var weight = linear.weight();
            var copied = weight.value().to(ScalarType.Float).clone();
            var copy = new Parameter(weight.name(), owner.own(copied), false);
            copies.add(copy);
            var others = linear.parameters().stream().skip(1);
            linear.attachCopy(COPY, Stream.concat(Stream.of(copy), others).toList(), owner);
        }
    }

    @Override
    public double[] measure(Batch row) {
        var layer = layers.get(rows++ % layers.size());
        var measured = layer.stream().map(copies::get).toList();
        var statistics = new GradientStatistics(measured, Set.of(ElementScore.SQUARED_GRADIENT));
        measured.forEach(copy -> copy.trainable(true));
        try {
            SensitivityPass.run(model, task, checkpointing, row, (parameter, gradient) -> {
                statistics.add(parameter, gradient);
                step(parameter, gradient);
            });
        } finally {
            measured.forEach(copy -> copy.trainable(false));
        }
        var values = new double[matrices.size()];
        for (int i : layer) {
            values[i] = statistics.sum(copies.get(i), ElementScore.SQUARED_GRADIENT);
        }
        return values;
    }

    /** At once: what backward still needs of this linear has been computed when its weight's gradient comes. */
    private static void step(Parameter parameter, Tensor gradient) {
        var group = ParameterGroup.of(Map.of(parameter.name(), parameter.value()), 0);
        try (var adamW = new AdamW(List.of(group), AdamW.Options.DEFAULT)) {
            adamW.step(Map.of(parameter.name(), gradient), LEARNING_RATE);
        }
    }

    /** The copies of the matrices, in their order. */
    List<Parameter> copies() {
        return copies;
    }

    @Override
    public int unit() {
        return layers.size();
    }

    @Override
    public void close() {
        matrices.forEach(linear -> linear.detachCopy(COPY));
        owner.close();
    }
}
