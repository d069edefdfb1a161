package dev.espalier.model;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.tensor.Variable;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** The losses that transformers' classification models use: cross entropy, binary cross entropy, squared error. */
public final class TaskLoss {
    private TaskLoss() {}

    /**
     * The sum of the losses of all answers asked, times {@code weight}: with {@code 1 / (answers of the whole step)}
     * the micro-batches' losses and gradients add up to the step's mean.
     *
     * @param logits {@code [rows, outputs]}, or {@code [rows * tokens, outputs]} for a label per token
     * @return a scalar, fp32
     */
    public static Variable of(TaskKind kind, Variable logits, Batch batch, double weight, ForwardContext context) {
        return context.tape().autograd(List.of(logits), List.of(), in -> sum(kind, in.get(0), batch)
                .mul(new Scalar(weight)));
    }

    private static Tensor sum(TaskKind kind, Tensor logits, Batch batch) {
        return switch (kind) {
            case SINGLE_LABEL, CHOICE, TOKEN_LABELS -> {
                var labels = torch.tensor(
                        Arrays.stream(batch.labels()).asLongStream().toArray());
                var logProbabilities = torch.log_softmax(logits, 1);
                var ignored = labels.eq(new Scalar(Batch.IGNORED));
                var picked = logProbabilities
                        .gather(1, labels.masked_fill(ignored, new Scalar(0)).unsqueeze(1))
                        .squeeze(1);
                yield picked.masked_fill(ignored, new Scalar(0)).sum().neg();
            }
            case MULTI_LABEL -> {
                // Mean over labels as well as over rows, as transformers has it.
                var targets = torch.tensor(batch.values()).view(batch.rows(), -1);
                var perLabel = torch.clamp_min(logits, new Scalar(0))
                        .sub(logits.mul(targets))
                        .add(torch.log1p(torch.exp(logits.abs().neg())));
                yield perLabel.mean(1).sum();
            }
            case CAUSAL_LM -> throw textHeadNeeded();
            case REGRESSION ->
                logits.squeeze(1)
                        .sub(torch.tensor(batch.values()))
                        .pow(new Scalar(2))
                        .sum();
        };
    }

    /** Stable probabilities or values for people: softmax, sigmoid, or the number itself; fp32, the logits' shape. */
    public static Tensor answers(TaskKind kind, Tensor logits) {
        return switch (kind) {
            case SINGLE_LABEL, CHOICE, TOKEN_LABELS -> torch.softmax(logits, 1);
            case MULTI_LABEL -> torch.sigmoid(logits);
            case REGRESSION -> logits;
            case CAUSAL_LM -> throw textHeadNeeded();
        };
    }

    private static IllegalArgumentException textHeadNeeded() {
        return new IllegalArgumentException("a text's loss is its head's own");
    }
}
