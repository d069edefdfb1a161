package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Initialiser;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * MELoRA, an ensemble of mini LoRAs (Ren et al., <a href="https://arxiv.org/abs/2402.17263">arXiv 2402.17263</a>): inputs
 * and outputs are cut into {@code blocks} equal parts, and each part of the input adds to its part of the output through
 * factors of its own. Both factors are block-diagonal, so the sum has rank {@code blocks * rank} at the cost of
 * {@code rank}. A reconstruction from the abstract; the authors' code was not read.
 *
 * @param blocks must divide the inputs and outputs of every module
 */
public record BlockLora(int blocks) implements LoraStructure {
    /** The name in recipes. */
    public static final String METHOD = "melora";

    public BlockLora {
        Checks.positive("blocks", blocks);
    }

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public LinearDelta delta(StructuredLoraSpec spec, Linear linear, DeltaWeights weights) {
        long n = blocks;
        long r = spec.rank();
        long in = part(linear, "inputs", linear.inFeatures());
        long out = part(linear, "outputs", linear.outFeatures());
        var a = weights.weight(
                StructuredLoraSpec.A,
                StoredLayout.same(n, r, in),
                random -> Initialiser.kaimingUniform(in, random, n, r, in));
        var b = weights.weight(
                StructuredLoraSpec.B, StoredLayout.same(n, out, r), random -> Initialiser.zeros(n, out, r));
        weights.saveAs(StructuredLoraSpec.A, BlockLora::blockDiagonal);
        weights.saveAs(StructuredLoraSpec.B, BlockLora::blockDiagonal);
        return new PlainDelta(linear.name(), spec.dropout(), List.of(a, b), (x, w) -> {
            long tokens = x.size(0);
            var parts = x.view(tokens, n, in).transpose(0, 1);
            var products = torch.bmm(
                    torch.bmm(parts, w.get(0).transpose(1, 2)), w.get(1).transpose(1, 2));
            return products.transpose(0, 1).reshape(tokens, n * out).mul(new Scalar(spec.scaling()));
        });
    }

    private long part(Linear linear, String what, int features) {
        if (features % blocks != 0) {
            throw new InputException(linear.name() + " has " + features + " " + what + ", which " + blocks
                    + " blocks do not divide; choose another number of blocks, or other targets.");
        }
        return features / blocks;
    }

    private static Tensor blockDiagonal(Tensor blocks) {
        var list = new ArrayList<Tensor>();
        for (long i = 0; i < blocks.size(0); i++) {
            list.add(blocks.get(i));
        }
        return torch.block_diag(new TensorVector(list.toArray(Tensor[]::new)));
    }
}
