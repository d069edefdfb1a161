package dev.espalier.routing;

import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.function.BiFunction;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Routes each sequence as one: the mean of its tokens goes to the router, whose gates all its tokens get. */
final class SequencePooling {
    private final ForwardContext context;
    private final Tensor members;
    private final Tensor means;

    private SequencePooling(ForwardContext context, Tensor members, Tensor means) {
        this.context = context;
        this.members = members;
        this.means = means;
    }

    static SequencePooling of(ForwardContext context) {
        int sequences = context.layout().segments().size();
        int tokens = context.rows() * context.tokens();
        var members = context.shared("tokens of sequences", () -> matrix(context, sequences, tokens, false));
        var means = context.shared("means of sequences", () -> matrix(context, sequences, tokens, true));
        return new SequencePooling(context, members, means);
    }

    /** {@code [sequences, tokens]}: 1, or one over the sequence's length, where a token is of the sequence. */
    private static Tensor matrix(ForwardContext context, int sequences, int tokens, boolean mean) {
        var values = new float[sequences * tokens];
        var lengths = context.layout().lengths();
        var sequenceOf = context.layout().segmentOfToken();
        for (int token = 0; token < tokens; token++) {
            if (sequenceOf[token] >= 0) {
                values[sequenceOf[token] * tokens + token] = mean ? 1f / lengths[sequenceOf[token]] : 1;
            }
        }
        return FloatArrays.tensor(values, sequences, tokens);
    }

    Router.Gate route(Variable x, BiFunction<Variable, ForwardContext, Router.Gate> router) {
        var tape = context.tape();
        var dtype = Engine.dtype(x.value());
        var mean = torch.mm(means.to(dtype), x.value());
        var pooled = x.requiresGrad() ? tape.input(tape.save(mean)) : tape.constant(mean);
        var gate = router.apply(pooled, context.perSequence());
        var weights = torch.mm(members.to(dtype).t(), gate.weights());
        if (gate.backward() == null) {
            return new Router.Gate(weights, null);
        }
        return new Router.Gate(weights, dWeights -> backward(x, pooled, gate, dWeights, tape));
    }

    private void backward(Variable x, Variable pooled, Router.Gate gate, Tensor dWeights, Tape tape) {
        var dtype = Engine.dtype(dWeights);
        gate.run(torch.mm(members.to(dtype), dWeights));
        var dPooled = pooled.gradient();
        if (dPooled != null) {
            x.accumulateProduct(means.to(dtype).t(), dPooled);
        }
    }
}
