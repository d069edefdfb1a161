package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A linear scorer with softmax, of which the {@code k} largest gates are used: SiRA's router. Scores are computed in the
 * input's dtype; gates, choices, capacity and the auxiliary loss in fp32 on the host, where {@code [tokens, experts]} is
 * small, by {@link TopKGate}.
 */
final class TopKRouter implements Router {
    private final String name;
    private final Parameter weight;
    private final int modules;
    private final TopKGate.Settings settings;

    /**
     * @param name the module's path
     * @param weight {@code [experts, in]}
     * @param modules how many modules of the adapter have a router, which the auxiliary loss is divided by
     */
    TopKRouter(String name, Parameter weight, int modules, TopKGate.Settings settings) {
        this.name = name;
        this.weight = weight;
        this.modules = modules;
        this.settings = settings;
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(weight);
    }

    @Override
    public Gate route(Variable x, ForwardContext context) {
        var tape = context.tape();
        var dtype = Engine.dtype(x.value());
        var scorer = weight.value().to(dtype);
        var logits = torch.mm(x.value(), scorer.t()).to(ScalarType.Float);
        var gate = TopKGate.of(
                FloatArrays.of(logits), FloatArrays.of(torch.softmax(logits, 1)), settings, modules, context);
        context.observe(gate.observation(name, context));
        context.addAuxiliaryLoss(gate.auxiliaryLoss());
        var shape = logits.shape();
        var weights = FloatArrays.tensor(gate.weights(), shape).to(dtype);
        if (!tape.trains(weight) && !(tape.isRecording() && x.requiresGrad())) {
            return new Gate(weights, null);
        }
        tape.save(x.value());
        tape.save(scorer);
        return new Gate(weights, dWeights -> backward(x, dWeights, gate, scorer, tape));
    }

    private void backward(Variable x, Tensor dWeights, TopKGate gate, Tensor scorer, Tape tape) {
        var dLogits = FloatArrays.tensor(gate.backward(FloatArrays.of(dWeights)), dWeights.shape())
                .to(Engine.dtype(scorer));
        if (tape.trains(weight)) {
            tape.deliver(weight, torch.mm(dLogits.t(), x.value()));
        }
        x.accumulateProduct(dLogits, scorer);
    }
}
