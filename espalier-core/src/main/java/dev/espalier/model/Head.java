package dev.espalier.model;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import java.util.List;

/** What turns a model's last hidden states into logits. Heads compute in fp32 whatever the body's dtype is. */
public interface Head {
    /**
     * @param hidden {@code [rows * tokens, hidden]}
     * @return logits, fp32: {@code [rows, outputs]}, or {@code [rows * tokens, outputs]} for an answer per token
     */
    Variable forward(Variable hidden, ForwardContext context);

    /**
     * As {@link #forward}, for a head that compares with what the batch's rows offer.
     *
     * @param hidden of {@code batch}, {@code [rows * tokens, hidden]}
     */
    default Variable logits(Variable hidden, Batch batch, ForwardContext context) {
        return forward(hidden, context);
    }

    /**
     * The sum of the losses of all answers that {@code batch} asks, times {@code weight}.
     *
     * @param hidden {@code [rows * tokens, hidden]}
     * @return a scalar, fp32
     */
    default Variable loss(TaskKind kind, Variable hidden, Batch batch, double weight, ForwardContext context) {
        return TaskLoss.of(kind, logits(hidden, batch, context), batch, weight, context);
    }

    /**
     * The loss of the first of two passes over {@code batch}; beside it counts, as an auxiliary loss, how far the answers
     * of both lie apart.
     *
     * @param coefficient of the divergence, before {@code weight}
     * @return a scalar, fp32: the first pass's loss alone
     */
    default Variable loss(
            TaskKind kind, HeadInput first, HeadInput second, Batch batch, double weight, double coefficient) {
        var context = first.context();
        var logits = logits(first.hidden(), batch, context);
        var others = logits(second.hidden(), batch, second.context());
        var divergence = Consistency.of(kind, logits, others, batch, coefficient * weight, context.tape());
        return Consistency.join(TaskLoss.of(kind, logits, batch, weight, context), divergence, context.tape(), context);
    }

    /**
     * Answers a batch, and compares with what was asked.
     *
     * @param hidden {@code [rows * tokens, hidden]}
     * @param withLoss whether the batch has targets
     */
    default Judged judge(TaskKind kind, Variable hidden, Batch batch, boolean withLoss, ForwardContext context) {
        return Judged.of(kind, logits(hidden, batch, context), batch, withLoss, context);
    }

    /**
     * Whether the head reads nothing but the first token of every row; then it also takes {@code hidden} of just these,
     * with a context of one token a row.
     */
    default boolean readsFirstTokens() {
        return false;
    }

    /**
     * How often the model runs for a batch with gradients: each weight's comes in so many terms. More than once where texts
     * are compared that are run by themselves.
     */
    default int passes() {
        return 1;
    }

    /**
     * This head for as long as no weight of the model changes: what it would compute anew for every batch, it may compute
     * once. It answers to the bit what this one does, where all enabled adapters act on all rows.
     *
     * @param task the place of the head's task in the run
     * @param owner of what is computed
     */
    default Head settled(int task, Owner owner) {
        return this;
    }

    /** The head's linears, by which adapters may target them. */
    List<Linear> linears();

    /** The head's modules that are trained as a whole. */
    List<TrainedModule> trained();

    /**
     * A module that is trained and saved as a whole, as PEFT's {@code modules_to_save} are.
     *
     * @param path the module's path, such as {@code classifier}
     * @param parameters its weights, fp32, named by their full paths
     */
    record TrainedModule(String path, List<Parameter> parameters) {}
}
