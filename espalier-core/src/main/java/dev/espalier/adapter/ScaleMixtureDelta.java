package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.routing.Router;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * A mixture of vectors that scale a linear's output: {@code y' = (Σ_e w_e(x) l_e) ⊙ y}, MoV of Zadouri et al.
 * (<a href="https://arxiv.org/abs/2309.05444">arXiv 2309.05444</a>); with one expert that weighs 1, IA3.
 */
final class ScaleMixtureDelta implements LinearDelta, Routed {
    private final Parameter scales;
    private final @Nullable Router router;

    /**
     * @param scales {@code l}, {@code [experts, out]}
     * @param router null for one expert that is always on
     */
    ScaleMixtureDelta(Parameter scales, @Nullable Router router) {
        this.scales = scales;
        this.router = router;
    }

    /** {@code l}, {@code [experts, out]}. */
    Parameter scales() {
        return scales;
    }

    @Override
    public int experts() {
        return (int) scales.shape()[0];
    }

    @Override
    public LinearDelta withGates(float[] gates) {
        var weights = FloatArrays.tensor(gates, 1, gates.length);
        var scale = torch.mm(weights, scales.value()).t();
        return new OutputScaleDelta(new Parameter(scales.name(), scale, false));
    }

    @Override
    public boolean tokenwise() {
        return router == null || router.tokenwise();
    }

    @Override
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        var tape = context.tape();
        var dtype = Engine.dtype(y);
        var gate = router == null ? null : router.route(x, context);
        var vectors = scales.value().to(dtype);
        var scale = gate == null ? vectors : torch.mm(gate.weights(), vectors);
        var before = tape.isRecording() ? tape.save(y.clone()) : y;
        y.mul_(scale);
        boolean trains = tape.trains(scales) || (gate != null && gate.backward() != null);
        if (!tape.isRecording() || !(trains || x.requiresGrad())) {
            return null;
        }
        tape.save(vectors);
        tape.save(scale);
        if (gate != null) {
            tape.save(gate.weights());
        }
        return dY -> {
            var dScale = dY.mul(before);
            if (tape.trains(scales)) {
                var each = gate == null
                        ? dScale.sum(0).unsqueeze(0)
                        : torch.mm(gate.weights().t(), dScale);
                tape.deliver(scales, each);
            }
            if (gate != null && gate.backward() != null) {
                gate.backward().run(torch.mm(dScale, vectors.t()));
            }
            return dY.mul(scale);
        };
    }
}
