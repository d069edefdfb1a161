package dev.espalier.adapter;

import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * MoRA (Jiang et al., <a href="https://arxiv.org/abs/2405.12130">arXiv 2405.12130</a>): one square matrix of
 * {@code r̂ = √((in + out) · rank)} in the place of LoRA's two, with as many weights and a far higher rank. The input is
 * cut into chunks of {@code r̂} that are summed, the result is repeated to the width of the output. A reconstruction from
 * the abstract; the authors' code was not read, and of their ways to compress this is one: the rotated one is left out.
 */
public record SquareLora() implements LoraStructure {
    /** The name in recipes. */
    public static final String METHOD = "mora";

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public LinearDelta delta(StructuredLoraSpec spec, Linear linear, DeltaWeights weights) {
        long in = linear.inFeatures();
        long out = linear.outFeatures();
        long side = Math.min(Math.min(in, out), Math.round(Math.sqrt((in + out) * (double) spec.rank())));
        var square = weights.weight(
                StructuredLoraSpec.A, StoredLayout.same(side, side), random -> Initialiser.zeros(side, side));
        weights.saveAs(StructuredLoraSpec.A, m -> repeated(m, in));
        weights.alsoSave(
                StructuredLoraSpec.B, square, m -> repeated(torch.eye(side, Engine.options(ScalarType.Float)), out)
                        .t());
        return new PlainDelta(linear.name(), spec.dropout(), List.of(square), (x, w) -> {
            var chunks = torch.constant_pad_nd(x, new long[] {0, (side - in % side) % side});
            var sums = chunks.view(x.size(0), -1, side).sum(1);
            return repeated(torch.mm(sums, w.get(0).t()), out).mul(new Scalar(spec.scaling()));
        });
    }

    /** The columns again and again until there are {@code width}. */
    private static Tensor repeated(Tensor columns, long width) {
        long times = (width + columns.size(1) - 1) / columns.size(1);
        return columns.repeat(1, times).narrow(1, 0, width);
    }
}
