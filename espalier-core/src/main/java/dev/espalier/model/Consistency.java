package dev.espalier.model;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * How far the answers of two passes over a batch lie apart, whose random draws differ: of a label the symmetric
 * Kullback-Leibler divergence {@code ½ (KL(p‖q) + KL(q‖p))}, of several labels its mean over them, of a number the squared
 * difference. Each pass takes the other's answers as given, as the code of AdaMix has it (Wang et al.,
 * <a href="https://arxiv.org/abs/2205.12410">arXiv 2205.12410</a>): the gradient with respect to the first logits is
 * {@code ½ (p - q)}, to the second {@code ½ (q - p)}. With logits {@code u} and {@code v} the value is
 * {@code ½ Σ (p - q) (u - v)}: {@code p - q} sums to 0, so what tells logits from logarithms of probabilities cancels.
 */
final class Consistency {
    private Consistency() {}

    /**
     * The sum of the divergences of all answers that {@code batch} asks, times {@code weight}.
     *
     * @param first logits of the first pass, fp32; see {@link TaskLoss#of} for their shape
     * @param second those of the second
     * @return a scalar, fp32
     */
    static Variable of(TaskKind kind, Variable first, Variable second, Batch batch, double weight, Tape tape) {
        try (var scope = Scope.open()) {
            var p = TaskLoss.answers(kind, first.value());
            var q = TaskLoss.answers(kind, second.value());
            double share =
                    switch (kind) {
                        case REGRESSION -> 1;
                        case MULTI_LABEL -> .5 / p.size(1);
                        default -> .5;
                    };
            var difference = kind == TaskKind.TOKEN_LABELS ? p.sub(q).mul(asked(batch)) : p.sub(q);
            return divergence(difference, first, second, share * weight, scope, tape);
        }
    }

    /** The same for tokens of which every one is asked, {@code [tokens, vocabulary]}. */
    static Variable ofTokens(Variable first, Variable second, double weight, Tape tape) {
        try (var scope = Scope.open()) {
            var difference = torch.softmax(first.value(), 1).sub(torch.softmax(second.value(), 1));
            return divergence(difference, first, second, weight / 2, scope, tape);
        }
    }

    /** 1 for a token with a label, else 0: {@code [rows * tokens, 1]}. */
    private static Tensor asked(Batch batch) {
        var labels = batch.labels();
        var asked = new float[labels.length];
        for (int token = 0; token < labels.length; token++) {
            asked[token] = labels[token] == Batch.IGNORED ? 0 : 1;
        }
        return torch.tensor(asked).unsqueeze(1);
    }

    private static Variable divergence(
            Tensor difference, Variable first, Variable second, double weight, Scope scope, Tape tape) {
        var value = first.value().sub(second.value()).mul(difference).sum().mul(new Scalar(weight));
        tape.save(difference);
        return tape.record(scope, value, first.requiresGrad() || second.requiresGrad(), seed -> {
            var gradient = difference.mul(seed).mul(new Scalar(weight));
            second.accumulate(gradient.neg());
            first.accumulate(gradient);
        });
    }

    /**
     * {@code loss}, whose backward pass also runs that of {@code divergence}, which counts as an auxiliary loss.
     *
     * @param context of the first pass
     * @return a scalar, fp32
     */
    static Variable join(Variable loss, Variable divergence, Tape tape, ForwardContext context) {
        try (var scope = Scope.open()) {
            context.addAuxiliaryLoss(divergence.value().item_double());
            boolean requiresGrad = loss.requiresGrad() || divergence.requiresGrad();
            return tape.record(scope, loss.value().clone(), requiresGrad, seed -> {
                loss.accumulate(seed.clone());
                divergence.accumulate(seed.clone());
            });
        }
    }
}
