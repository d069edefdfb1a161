package dev.espalier.merge;

import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.WeightDelta;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * {@link Representation#FACTORS}: {@code A} and {@code B} are merged apart, each with {@code √|w s|}, and the sign of
 * {@code w} on {@code A}. What PEFT's {@code add_weighted_adapter} does without a singular value decomposition; the factors
 * are trimmed and elected as they are stored.
 */
final class FactorMerge {
    private FactorMerge() {}

    static WeightDelta.LowRank merge(List<Part> parts, MergeMethod method) {
        try (var scope = Scope.open()) {
            var factors = parts.stream().map(part -> factors(part, method)).toList();
            requireEqual(parts, factors);
            var down = new Accumulator(factors.get(0).a().shape(), method);
            var up = new Accumulator(factors.get(0).b().shape(), method);
            for (int i = 0; i < parts.size(); i++) {
                var part = parts.get(i);
                double root = Math.sqrt(Math.abs(part.factor() * factors.get(i).scaling()));
                down.add(part.trim().apply(part.name() + ".A", factors.get(i).a()), Math.copySign(root, part.factor()));
                up.add(part.trim().apply(part.name() + ".B", factors.get(i).b()), root);
            }
            var result = new WeightDelta.LowRank(up.result(), down.result(), method.lambda());
            return new WeightDelta.LowRank(scope.keep(result.b()), scope.keep(result.a()), result.scaling());
        }
    }

    private static WeightDelta.LowRank factors(Part part, MergeMethod method) {
        if (part.adapter().kind().equals(LoraSpec.METHOD) && part.delta() instanceof WeightDelta.LowRank factors) {
            return factors;
        }
        throw new InputException("Method '" + method.name() + "' merges the factors A and B of LoRA, which adapter '"
                + part.adapter().name() + "' of method '" + part.adapter().kind() + "' does not have for " + part.name()
                + "; choose a method that merges whole changes, such as ties.");
    }

    private static void requireEqual(List<Part> parts, List<WeightDelta.LowRank> factors) {
        for (int i = 1; i < parts.size(); i++) {
            if (factors.get(i).rank() != factors.get(0).rank()) {
                throw new InputException("Method 'peft-…' adds up factors, which need equal ranks, but A of "
                        + parts.get(i).name() + " is " + shape(factors.get(0).a()) + " in adapter '"
                        + parts.get(0).adapter().name() + "' and "
                        + shape(factors.get(i).a()) + " in '"
                        + parts.get(i).adapter().name()
                        + "'; choose a method that merges whole changes, such as ties.");
            }
        }
    }

    private static String shape(Tensor tensor) {
        return Arrays.toString(tensor.shape());
    }
}
