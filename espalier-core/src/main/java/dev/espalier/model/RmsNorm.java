package dev.espalier.model;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Variable;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Root mean square normalisation (Zhang and Sennrich, arXiv 1910.07467): {@code x / √(mean(x²) + ε) · w}, over groups of
 * as many features as the weight has. The inverse root is computed in fp32 whatever the dtype is.
 */
public final class RmsNorm implements Norm {
    private final Parameter weight;
    private final double epsilon;
    private final double offset;

    /**
     * @param weight {@code [features]}
     * @param offset what is added to the weight: 1 where it is stored as the difference to 1
     */
    public RmsNorm(Parameter weight, double epsilon, double offset) {
        this.weight = weight;
        this.epsilon = epsilon;
        this.offset = offset;
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(weight);
    }

    @Override
    public Variable forward(Variable x, ForwardContext context) {
        var tape = context.tape();
        try (var scope = tape.scope(Part.NORM_AND_ACTIVATION)) {
            var shape = x.value().shape();
            var groups = x.value().view(-1, weight.size());
            var dtype = Engine.dtype(groups);
            // Converted at once: an operation on operands of two dtypes converts number by number.
            var wide = groups.to(ScalarType.Float);
            var inverse = inverseRoot(wide);
            var w = scale().to(dtype);
            var y = dtype == ScalarType.Float
                    ? groups.mul(inverse).mul_(w)
                    : wide.mul_(inverse).to(dtype).mul_(w);
            tape.save(groups);
            tape.save(inverse);
            tape.save(w);
            boolean requiresGrad = x.requiresGrad() || tape.trains(weight);
            return tape.record(scope, y.view(shape), requiresGrad, dOut -> {
                var dY = dOut.reshape(groups.shape());
                if (tape.trains(weight)) {
                    tape.deliver(
                            weight,
                            dY.mul(groups)
                                    .mul_(inverse.to(Engine.dtype(groups)))
                                    .sum(0));
                }
                if (x.requiresGrad()) {
                    x.accumulate(gradient(dY, groups, inverse, w).view(shape));
                }
            });
        }
    }

    private Tensor scale() {
        return offset == 0 ? weight.value() : weight.value().add(new Scalar(offset));
    }

    /** {@code [groups, 1]}, fp32. */
    private Tensor inverseRoot(Tensor x) {
        long features = weight.size();
        var root = torch.linalg_vector_norm(x, new Scalar(2), new long[] {-1}, true, new ScalarTypeOptional());
        root.square_().div_(new Scalar(features)).add_(new Scalar(epsilon));
        return root.rsqrt();
    }

    /** {@code r (g - x r² mean(g x))} with {@code g = w dY} and {@code r} the inverse root. */
    private static Tensor gradient(Tensor dY, Tensor x, Tensor inverse, Tensor w) {
        var dtype = Engine.dtype(x);
        var g = dY.mul(w);
        var mean = g.mul(x).sum(new long[] {-1}, true, new ScalarTypeOptional()).to(ScalarType.Float);
        mean.div_(new Scalar(x.size(1))).mul_(inverse).mul_(inverse).mul_(inverse);
        g.mul_(inverse.to(dtype));
        g.addcmul_(x, mean.to(dtype), new Scalar(-1));
        return new Tensor(g);
    }
}
