package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Low-rank experts of which a training pass uses one {@code A} and one {@code B} for all its tokens, drawn at random and
 * apart from each other, and other passes their uniform soup, the mean of all {@code A} and that of all {@code B}: AdaMix
 * (Wang et al., <a href="https://arxiv.org/abs/2205.12410">arXiv 2205.12410</a>) with LoRA, as its code has it. The authors
 * draw for every batch that runs through the layer; here all parts of a step draw alike, so that how it is cut among
 * workers or micro-batches changes nothing.
 *
 * <p>{@code y += s (Σ_e u_e B_e) (Σ_e d_e A_e) x} with weights {@code d} and {@code u}: 1 for the expert that was drawn, or
 * {@code 1 / E} for each. Weights are fp32; products run in the input's dtype.
 */
final class ExpertSoupDelta implements LinearDelta, Mergeable {
    private final String name;
    private final Parameter a;
    private final Parameter b;
    private final int experts;
    private final double scaling;
    private final double dropout;

    /**
     * @param name the module's path, which draws depend on
     * @param a {@code [experts * rank, in]}
     * @param b {@code [out, experts * rank]}
     * @param scaling {@code s}
     * @param dropout on the input in training
     */
    ExpertSoupDelta(String name, Parameter a, Parameter b, int experts, double scaling, double dropout) {
        this.name = name;
        this.a = a;
        this.b = b;
        this.experts = experts;
        this.scaling = scaling;
        this.dropout = dropout;
    }

    Parameter a() {
        return a;
    }

    Parameter b() {
        return b;
    }

    int experts() {
        return experts;
    }

    /** What every expert weighs outside training. */
    static float[] uniform(int experts) {
        var weights = new float[experts];
        Arrays.fill(weights, 1f / experts);
        return weights;
    }

    /** {@code Σ_e d_e A_e}, {@code [rank, in]}. */
    static Tensor down(Tensor a, float[] weights) {
        int experts = weights.length;
        return a.view(experts, -1, a.size(1))
                .mul(FloatArrays.tensor(weights, experts, 1, 1))
                .sum(0);
    }

    /** {@code Σ_e u_e B_e}, {@code [out, rank]}. */
    static Tensor up(Tensor b, float[] weights) {
        int experts = weights.length;
        return b.view(b.size(0), experts, -1)
                .mul(FloatArrays.tensor(weights, 1, experts, 1))
                .sum(1);
    }

    /** Plain LoRA that holds the means: it computes the same outside training, and loads anywhere. */
    static LoraSpec saved(MixtureSpec spec, Adapter adapter) {
        var experts = spec.experts();
        // A pattern may leave modules without experts.
        var targets = experts.pattern().isEmpty()
                ? spec.targets()
                : TargetModules.of(ModuleNames.of(List.copyOf(adapter.modules().keySet())));
        return LoraSpec.defaults()
                .withTargets(targets)
                .withRank(experts.rank())
                .withAlpha(experts.alpha())
                .withDropout(experts.dropout())
                .withPatterns(experts.rankPattern(), Map.of());
    }

    @Override
    public boolean tokenwise() {
        return true;
    }

    /** One for the expert that the pass draws for {@code projection}; every expert alike where nothing is drawn. */
    private float[] weights(String projection, ForwardContext context) {
        var training = context.training();
        if (training == null) {
            return uniform(experts);
        }
        double draw = training.random().at(name + "." + projection + ".expert").uniform();
        var weights = new float[experts];
        weights[(int) (draw * experts)] = 1;
        return weights;
    }

    @Override
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        var tape = context.tape();
        var dtype = Engine.dtype(y);
        var mask = context.dropoutMask(
                name + ".lora_dropout", dropout, (int) x.value().size(1), dtype);
        double scale = mask == null ? scaling : scaling / (1 - dropout);
        var seen = mask == null ? x.value() : x.value().mul(mask);
        var downWeights = weights("down", context);
        var upWeights = weights("up", context);
        var down = down(a.value(), downWeights).to(dtype);
        var up = up(b.value(), upWeights).to(dtype);
        var projected = torch.mm(seen, down.t());
        y.addmm_(projected, up.t(), new Scalar(1), new Scalar(scale));
        if (!tape.isRecording() || !(tape.trains(a) || tape.trains(b) || x.requiresGrad())) {
            return null;
        }
        for (var tensor : new Tensor[] {seen, down, up, projected}) {
            tape.save(tensor);
        }
        if (mask != null) {
            tape.save(mask);
        }
        return dY -> {
            if (tape.trains(b)) {
                var dUp = torch.mm(dY.t(), projected).mul(new Scalar(scale)).unsqueeze(1);
                tape.deliver(
                        b, dUp.mul(FloatArrays.tensor(upWeights, 1, experts, 1)).view(b.shape()));
            }
            var dProjected = torch.mm(dY, up).mul(new Scalar(scale));
            if (tape.trains(a)) {
                var dDown = torch.mm(dProjected.t(), seen).unsqueeze(0);
                tape.deliver(
                        a,
                        dDown.mul(FloatArrays.tensor(downWeights, experts, 1, 1))
                                .view(a.shape()));
            }
            if (mask == null) {
                x.accumulateProduct(dProjected, down);
            } else if (x.requiresGrad()) {
                x.accumulate(torch.mm(dProjected, down).mul(mask));
            }
            return dY;
        };
    }

    @Override
    public Tensor merged(Tensor rows, long first) {
        var weights = uniform(experts);
        var up = up(b.value(), weights).narrow(0, first, rows.size(0));
        return torch.addmm(rows, up, down(a.value(), weights), new Scalar(1), new Scalar(scaling));
    }
}
