package dev.espalier.routing;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * AdaMoLE's threshold (Liu and Luo, <a href="https://arxiv.org/abs/2405.00361">arXiv 2405.00361</a>):
 * {@code τ = τmax · σ(w x + b)}, a number for each token.
 *
 * @param weight {@code w}, {@code [1, in]}
 * @param bias {@code b}, {@code [1]}
 * @param most {@code τmax}
 */
public record LearnedThreshold(Parameter weight, Parameter bias, double most) {
    List<Parameter> parameters() {
        return List.of(weight, bias);
    }

    /** The thresholds of tokens {@code x} of {@code [tokens, in]}. */
    Values of(Tensor x) {
        var w = weight.value().to(Engine.dtype(x));
        var scores = torch.mm(x, w.t()).to(ScalarType.Float).add(bias.value());
        var shares = FloatArrays.of(torch.sigmoid(scores));
        var values = new float[shares.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (most * shares[i]);
        }
        return new Values(values, shares);
    }

    /** The thresholds of one pass. */
    final class Values {
        private final float[] values;
        private final float[] shares;

        private Values(float[] values, float[] shares) {
            this.values = values;
            this.shares = shares;
        }

        float[] values() {
            return values;
        }

        /**
         * Delivers the gradients.
         *
         * @param d with respect to the thresholds
         * @param x what they were computed from, still alive
         */
        void backward(float[] d, Variable x, Tape tape) {
            var dScores = new float[d.length];
            for (int i = 0; i < d.length; i++) {
                dScores[i] = (float) (d[i] * most * shares[i] * (1 - shares[i]));
            }
            var dtype = Engine.dtype(x.value());
            var single = FloatArrays.tensor(dScores, d.length, 1);
            var typed = single.to(dtype);
            if (tape.trains(weight)) {
                tape.deliver(weight, torch.mm(typed.t(), x.value()));
            }
            if (tape.trains(bias)) {
                tape.deliver(bias, single.sum(0));
            }
            x.accumulateProduct(typed, weight.value().to(dtype));
        }
    }
}
