package dev.espalier.model;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Variable;
import java.util.List;
import org.bytedeco.javacpp.BoolPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** Layer normalisation over the features, of a sum of one or two inputs. */
public final class LayerNorm implements Norm {
    private final Parameter weight;
    private final Parameter bias;
    private final double epsilon;

    /** {@code weight} and {@code bias} are {@code [features]}. */
    public LayerNorm(Parameter weight, Parameter bias, double epsilon) {
        this.weight = weight;
        this.bias = bias;
        this.epsilon = epsilon;
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(weight, bias);
    }

    @Override
    public Variable forward(Variable x, ForwardContext context) {
        return normalise(x.value(), x, null, context);
    }

    /** {@code norm(x + residual)}; the sum overwrites {@code x}, which nothing else may use. */
    public Variable forward(Variable x, Variable residual, ForwardContext context) {
        x.value().add_(residual.value());
        return normalise(x.value(), x, residual, context);
    }

    private Variable normalise(Tensor sum, Variable x, @Nullable Variable residual, ForwardContext context) {
        var tape = context.tape();
        try (var scope = tape.scope(Part.NORM_AND_ACTIVATION)) {
            long[] shape = weight.shape();
            var w = weight.value().to(Engine.dtype(sum));
            var b = bias.value().to(Engine.dtype(sum));
            var result = torch.native_layer_norm(sum, shape, new TensorOptional(w), new TensorOptional(b), epsilon);
            tape.save(w);
            tape.save(b);
            var mean = tape.save(new Tensor(result.get1()));
            var rstd = tape.save(new Tensor(result.get2()));
            tape.save(sum);
            boolean requiresGrad = x.requiresGrad()
                    || (residual != null && residual.requiresGrad())
                    || tape.trains(weight)
                    || tape.trains(bias);
            return tape.record(scope, new Tensor(result.get0()), requiresGrad, dY -> {
                var gradients = torch.native_layer_norm_backward(
                        dY,
                        sum,
                        shape,
                        mean,
                        rstd,
                        new TensorOptional(w),
                        new TensorOptional(b),
                        new BoolPointer(3)
                                .put(0, true)
                                .put(1, tape.trains(weight))
                                .put(2, tape.trains(bias)));
                var dSum = new Tensor(gradients.get0());
                // Both may share the buffer: the producer of x reads it before anything is added to the residual's.
                x.accumulate(dSum);
                if (residual != null) {
                    residual.accumulate(dSum);
                }
                if (tape.trains(weight)) {
                    tape.deliver(weight, gradients.get1());
                }
                if (tape.trains(bias)) {
                    tape.deliver(bias, gradients.get2());
                }
            });
        }
    }
}
