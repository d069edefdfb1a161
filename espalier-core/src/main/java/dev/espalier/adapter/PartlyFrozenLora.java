package dev.espalier.adapter;

import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * LoRA-SP (Wu et al., <a href="https://arxiv.org/abs/2403.08822">arXiv 2403.08822</a>): a random share of both factors'
 * rows stays as it was drawn. Of {@code A} these are ranks, which differ by nothing but their draw; of {@code B} they are
 * outputs, chosen by {@code seed}, which get nothing, for {@code B} starts at zero. A reconstruction from the abstract; the
 * authors' code was not read.
 *
 * @param share of the rows of each factor that are frozen
 * @param seed of the choice of outputs
 */
public record PartlyFrozenLora(double share, long seed) implements LoraStructure {
    /** The name in recipes. */
    public static final String METHOD = "lora-sp";

    public PartlyFrozenLora {
        Checks.probability("frozen-share", share);
    }

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public LinearDelta delta(StructuredLoraSpec spec, Linear linear, DeltaWeights weights) {
        int rank = spec.rank();
        int in = linear.inFeatures();
        int out = linear.outFeatures();
        int frozen = (int) (share * rank);
        int trained = rank - frozen;
        var outputs = outputs(linear.name(), out);
        var a = weights.weight(
                StructuredLoraSpec.A,
                StoredLayout.same(trained, in),
                random -> Initialiser.kaimingUniform(in, random, trained, in));
        var b = weights.weight(
                StructuredLoraSpec.B,
                StoredLayout.same(outputs.length, rank),
                random -> Initialiser.zeros(outputs.length, rank));
        var fixed = weights.unsaved("frozen_A", random -> Initialiser.kaimingUniform(in, random, frozen, in));
        weights.saveAs(StructuredLoraSpec.A, rows -> stacked(rows, fixed.value()));
        weights.saveAs(
                StructuredLoraSpec.B, rows -> torch.zeros(new long[] {out, rank}, Engine.options(ScalarType.Float))
                        .index_copy(0, torch.tensor(outputs), rows));
        return new PlainDelta(linear.name(), spec.dropout(), List.of(a, fixed, b), (x, w) -> {
            var ranks = torch.mm(x, stacked(w.get(0), w.get(1)).t());
            var some = torch.mm(ranks, w.get(2).t()).mul(new Scalar(spec.scaling()));
            return torch.zeros(new long[] {x.size(0), out}, x.options()).index_copy(1, torch.tensor(outputs), some);
        });
    }

    private static Tensor stacked(Tensor above, Tensor below) {
        return torch.cat(new TensorVector(above, below), 0);
    }

    /** The outputs of the module at {@code path} that train, in order. */
    private long[] outputs(String path, int out) {
        var random = new SplittableRandom(RandomStream.of(seed).at(path).seed());
        var draws = random.doubles(out).toArray();
        int frozen = (int) (share * out);
        return IntStream.range(0, out)
                .boxed()
                .sorted(Comparator.comparingDouble(output -> draws[output]))
                .skip(frozen)
                .mapToLong(Integer::longValue)
                .sorted()
                .toArray();
    }
}
