package dev.espalier.kernel;

import dev.espalier.routing.ExpertTokens;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Pairs of a token and an expert that takes it, by expert.
 *
 * @param parts the experts that have any token
 * @param tokens of the pairs, {@code [pairs]}, int64
 * @param gates where the pairs' weights are among all, {@code [pairs]}, int64
 */
record Choices(List<Part> parts, Tensor tokens, Tensor gates) {
    /**
     * The pairs of one expert.
     *
     * @param first of them
     * @param size how many
     */
    record Part(int expert, int first, int size) {
        /** The expert's rows of {@code pairs}, a view. */
        Tensor of(Tensor pairs) {
            return pairs.narrow(0, first, size);
        }
    }

    static Choices of(ExpertTokens given) {
        var parts = new ArrayList<Part>();
        var tokens = new long[given.tokens().length];
        var gates = new long[tokens.length];
        for (int e = 0; e < given.experts(); e++) {
            int first = given.firsts()[e];
            int end = given.firsts()[e + 1];
            if (end > first) {
                parts.add(new Part(e, first, end - first));
            }
            for (int pair = first; pair < end; pair++) {
                tokens[pair] = given.tokens()[pair];
                gates[pair] = tokens[pair] * given.experts() + e;
            }
        }
        return new Choices(parts, torch.tensor(tokens), torch.tensor(gates));
    }

    long size() {
        return tokens.size(0);
    }

    void save(Tape tape) {
        tape.save(tokens);
        tape.save(gates);
    }
}
