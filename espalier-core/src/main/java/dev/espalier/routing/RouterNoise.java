package dev.espalier.routing;

import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What blurs a router in training, so that it comes to try other experts. Draws depend on the step, the module, the
 * sequence and the place in it alone.
 *
 * @param scores standard deviation of normal noise on the scores (Shazeer et al.,
 *     <a href="https://arxiv.org/abs/1701.06538">arXiv 1701.06538</a>, with a fixed deviation)
 * @param jitter the router's input is multiplied by numbers drawn evenly from {@code 1 - jitter} to {@code 1 + jitter}
 *     (Switch Transformers, <a href="https://arxiv.org/abs/2101.03961">arXiv 2101.03961</a>)
 */
public record RouterNoise(double scores, double jitter) {
    /** None. */
    public static final RouterNoise NONE = new RouterNoise(0, 0);

    /** The factors of the input, {@code [tokens, in]}; null where they are 1. */
    @Nullable Tensor jitter(String module, Tensor x, ForwardContext context) {
        var training = context.training();
        if (training == null || jitter <= 0) {
            return null;
        }
        int in = (int) x.size(1);
        var draws = training.random().at(module + ".router_jitter").uniform(training.sequences(), context.layout(), in);
        for (int i = 0; i < draws.length; i++) {
            draws[i] = (float) (1 + jitter * (2 * draws[i] - 1));
        }
        return FloatArrays.tensor(draws, x.shape()).to(Engine.dtype(x));
    }

    /** Adds noise to {@code [tokens, experts]} in place. */
    void addTo(Tensor values, String module, ForwardContext context) {
        var training = context.training();
        if (training == null || scores <= 0) {
            return;
        }
        int experts = (int) values.size(1);
        // Box and Muller: a normal number of two even ones.
        var draws = training.random()
                .at(module + ".router_noise")
                .uniform(training.sequences(), context.layout(), 2 * experts);
        var noise = new float[draws.length / 2];
        for (int i = 0; i < noise.length; i++) {
            double radius = Math.sqrt(-2 * Math.log(1 - draws[2 * i]));
            noise[i] = (float) (scores * radius * Math.cos(2 * Math.PI * draws[2 * i + 1]));
        }
        values.add_(FloatArrays.tensor(noise, values.shape()));
    }
}
