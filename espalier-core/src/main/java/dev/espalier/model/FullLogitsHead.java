package dev.espalier.model;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.tensor.Variable;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * A decoder's head with its loss computed as plain implementations do: the logits of all tokens at once, in fp32, whether
 * they have a label or not, differentiated by libtorch. The same loss in more time and memory, to compare with.
 */
public record FullLogitsHead(CausalLmHead head) implements Head {
    /** libtorch's number for the sum of losses. */
    private static final long SUM = 2;

    @Override
    public Variable forward(Variable hidden, ForwardContext context) {
        return head.forward(hidden, context);
    }

    @Override
    public Variable loss(TaskKind kind, Variable hidden, Batch batch, double weight, ForwardContext context) {
        var targets = CausalLmHead.Targets.of(batch);
        var labels = new long[batch.labels().length];
        Arrays.fill(labels, Batch.IGNORED);
        for (int i = 0; i < targets.count(); i++) {
            labels[targets.places()[i]] = targets.labels()[i];
        }
        return context.tape().autograd(List.of(forward(hidden, context)), List.of(), in -> {
            var logarithms = torch.log_softmax(in.get(0), 1);
            return torch.nll_loss(logarithms, torch.tensor(labels), new TensorOptional(), SUM, Batch.IGNORED)
                    .mul(new Scalar(weight));
        });
    }

    @Override
    public Variable loss(
            TaskKind kind, HeadInput first, HeadInput second, Batch batch, double weight, double coefficient) {
        return head.loss(kind, first, second, batch, weight, coefficient);
    }

    @Override
    public Judged judge(TaskKind kind, Variable hidden, Batch batch, boolean withLoss, ForwardContext context) {
        return head.judge(kind, hidden, batch, withLoss, context);
    }

    @Override
    public List<Linear> linears() {
        return head.linears();
    }

    @Override
    public List<TrainedModule> trained() {
        return head.trained();
    }
}
