package dev.espalier.routing;

import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Trained weights of the experts that are the same for every token, as MLAE's coefficients (Wang et al.,
 * <a href="https://arxiv.org/abs/2405.18897">arXiv 2405.18897</a>); in training experts are dropped for a whole step.
 */
public final class StaticRouter implements Router {
    private final String name;
    private final Parameter weight;
    private final double dropout;

    /**
     * @param name the module's path
     * @param weight {@code [experts]}
     * @param dropout that an expert is dropped, with inverted scaling
     */
    public StaticRouter(String name, Parameter weight, double dropout) {
        this.name = name;
        this.weight = weight;
        this.dropout = dropout;
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(weight);
    }

    @Override
    public int gates() {
        return (int) weight.size();
    }

    @Override
    public Optional<Tensor> staticWeights() {
        return Optional.of(weight.value());
    }

    @Override
    public boolean tokenwise() {
        return true;
    }

    @Override
    public Gate route(Variable x, ForwardContext context) {
        var tape = context.tape();
        var factors = factors(context);
        var weights = factors == null ? weight.value() : weight.value().mul(factors);
        var row = weights.to(Engine.dtype(x.value())).unsqueeze(0);
        if (!tape.trains(weight)) {
            return new Gate(row, null);
        }
        if (factors != null) {
            tape.save(factors);
        }
        return new Gate(row, dWeights -> {
            var d = dWeights.to(ScalarType.Float).sum(0);
            tape.deliver(weight, factors == null ? d : d.mul(factors));
        });
    }

    private @Nullable Tensor factors(ForwardContext context) {
        var training = context.training();
        if (training == null || dropout <= 0) {
            return null;
        }
        var stream = training.random().at(name + ".expert_dropout");
        var factors = new float[(int) weight.size()];
        for (int e = 0; e < factors.length; e++) {
            factors[e] = stream.at(e).uniform() < dropout ? 0 : (float) (1 / (1 - dropout));
        }
        return FloatArrays.tensor(factors, factors.length);
    }
}
