package dev.espalier.routing;

import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import java.util.Arrays;
import java.util.List;

/**
 * Gives every sequence the expert of its task, by weight 1: FLix of Sun et al.
 * (<a href="https://arxiv.org/abs/2312.03248">arXiv 2312.03248</a>, of which a summary was read) with one feature, the
 * task. A pass that {@linkplain ForwardContext#experts gives} its sequences experts has several of them for each, by the
 * weights it says. In training the experts of a sequence may be dropped, all at once, with inverted scaling.
 */
public final class TaskRouter implements Router {
    private final String name;
    private final int experts;
    private final double dropout;

    /**
     * @param name the module's path
     * @param experts one for each task
     * @param dropout that a sequence goes without its experts
     */
    public TaskRouter(String name, int experts, double dropout) {
        this.name = name;
        this.experts = experts;
        this.dropout = dropout;
    }

    @Override
    public List<Parameter> parameters() {
        return List.of();
    }

    @Override
    public int gates() {
        return experts;
    }

    @Override
    public boolean tokenwise() {
        return true;
    }

    @Override
    public Gate route(Variable x, ForwardContext context) {
        var ofSequence = weights(context);
        var sequenceOf = context.layout().segmentOfToken();
        var weights = new float[sequenceOf.length * experts];
        for (int token = 0; token < sequenceOf.length; token++) {
            if (sequenceOf[token] >= 0) {
                System.arraycopy(ofSequence[sequenceOf[token]], 0, weights, token * experts, experts);
            }
        }
        return new Gate(FloatArrays.tensor(weights, sequenceOf.length, experts).to(Engine.dtype(x.value())), null);
    }

    /** The weights of every sequence's experts, {@code [sequences, experts]}. */
    private float[][] weights(ForwardContext context) {
        var given = context.experts();
        var factors = factors(context);
        var tasks = context.tasks();
        var weights = new float[factors.length][experts];
        for (int sequence = 0; sequence < factors.length; sequence++) {
            if (given == null) {
                weights[sequence][tasks[sequence]] = factors[sequence];
                continue;
            }
            if (given[sequence].length != experts) {
                throw new IllegalArgumentException(
                        given[sequence].length + " weights for the " + experts + " experts of " + name);
            }
            for (int e = 0; e < experts; e++) {
                weights[sequence][e] = factors[sequence] * given[sequence][e];
            }
        }
        return weights;
    }

    private float[] factors(ForwardContext context) {
        var factors = new float[context.layout().segments().size()];
        Arrays.fill(factors, 1);
        var training = context.training();
        if (training != null && dropout > 0) {
            var stream = training.random().at(name + ".expert_dropout");
            for (int i = 0; i < factors.length; i++) {
                boolean dropped = stream.at(training.sequences()[i]).uniform() < dropout;
                factors[i] = dropped ? 0 : (float) (1 / (1 - dropout));
            }
        }
        return factors;
    }
}
