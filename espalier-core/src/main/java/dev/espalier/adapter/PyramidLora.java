package dev.espalier.adapter;

import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * MSPLoRA, a pyramid of scales (Zhao et al., <a href="https://arxiv.org/abs/2503.21838">arXiv 2503.21838</a>): to a
 * module's own low-rank delta are added one that all layers share and one that its third of the layers shares. Modules
 * share by the part of their path after the layer's number. A reconstruction from the abstract; the authors' code was not
 * read.
 *
 * Thirds are those of the layers up to the last that is adapted.
 *
 * @param globalRank of what all layers share
 * @param groupRank of what a third of them shares
 */
public record PyramidLora(int globalRank, int groupRank) implements LoraStructure {
    /** The name in recipes. */
    public static final String METHOD = "msplora";

    private static final Pattern LAYER = Pattern.compile("(?:.*\\.)?\\d+\\.(.*)");
    private static final int GROUPS = 3;

    public PyramidLora {
        Checks.positive("global-rank", globalRank);
        Checks.positive("group-rank", groupRank);
    }

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public LinearDelta delta(StructuredLoraSpec spec, Linear linear, DeltaWeights weights) {
        int in = linear.inFeatures();
        int out = linear.outFeatures();
        var kind = LAYER.matcher(linear.name()).replaceFirst("$1");
        int layers = weights.shared().paths().stream()
                        .mapToInt(PyramidLora::layer)
                        .max()
                        .orElse(0)
                + 1;
        int group = layer(linear.name()) * GROUPS / layers;
        var factors = new ArrayList<Parameter>();
        factors.addAll(shared("global." + kind, globalRank, in, out, weights.shared()));
        factors.addAll(shared("group" + group + "." + kind, groupRank, in, out, weights.shared()));
        int rank = spec.rank();
        var a = weights.weight(
                StructuredLoraSpec.A,
                StoredLayout.same(rank, in),
                random -> Initialiser.kaimingUniform(in, random, rank, in));
        var b = weights.weight(
                StructuredLoraSpec.B, StoredLayout.same(out, rank), random -> Initialiser.zeros(out, rank));
        weights.saveAs(StructuredLoraSpec.A, rows -> joined(factors.get(0), factors.get(2), rows, 0));
        weights.saveAs(StructuredLoraSpec.B, columns -> joined(factors.get(1), factors.get(3), columns, 1));
        return new SumDelta(List.of(
                part(linear, factors.get(0), factors.get(1), spec),
                part(linear, factors.get(2), factors.get(3), spec),
                part(linear, a, b, spec)));
    }

    /** The number of the layer that {@code path} lies in; 0 outside of layers. */
    private static int layer(String path) {
        return Math.max(0, ModuleNames.layer(path));
    }

    private static RankGatedDelta part(Linear linear, Parameter a, Parameter b, StructuredLoraSpec spec) {
        return new RankGatedDelta(linear.name(), a, b, 1, spec.scaling(), spec.dropout(), null);
    }

    private static List<Parameter> shared(String name, long rank, long in, long out, SharedWeights weights) {
        return List.of(
                weights.unsaved(name + ".lora_A", random -> Initialiser.kaimingUniform(in, random, rank, in)),
                weights.unsaved(name + ".lora_B", random -> Initialiser.zeros(out, rank)));
    }

    private static Tensor joined(Parameter global, Parameter group, Tensor own, int axis) {
        return torch.cat(new TensorVector(global.value(), group.value(), own), axis);
    }
}
