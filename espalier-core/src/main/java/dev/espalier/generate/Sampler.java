package dev.espalier.generate;

import dev.espalier.error.InputException;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Chooses the next token of every row, with the filters of Hugging Face transformers and in its order: repetition
 * penalty, temperature, top-k, top-p, min-p. A draw depends on the seed, the row's identity and its length alone, so a
 * row gets the same tokens in any batch. Safe to use from several threads.
 */
public final class Sampler {
    private final SamplingOptions options;
    private final RandomStream random;

    public Sampler(SamplingOptions options) {
        this.options = options;
        random = RandomStream.of(options.seed()).at("sampling");
    }

    /**
     * A row so far.
     *
     * @param id what makes its draws its own, such as the prompt's place in the input
     * @param tokens prompt and generated ids, without padding; may have room at its end
     * @param length how many of {@code tokens} there are
     * @param name what messages call it
     */
    @SuppressWarnings("ArrayRecordComponent") // a view of the caller's buffer, never compared
    public record Row(long id, int[] tokens, int length, String name) {
        /** A row that messages call by its identity. */
        public Row(long id, int[] tokens, int length) {
            this(id, tokens, length, "Row " + id);
        }
    }

    /**
     * The next token of each row.
     *
     * @param logits fp32 {@code [rows, vocabulary]}, left as they are
     * @return ids {@code [rows]}
     * @throws InputException if a row's logits are not numbers
     */
    public int[] next(Tensor logits, List<Row> rows) {
        if (logits.dim() != 2 || logits.size(0) != rows.size()) {
            throw new IllegalArgumentException(rows.size() + " rows, but logits of another shape");
        }
        try (var scope = Scope.open()) {
            return choose(scores(logits.to(ScalarType.Float), rows), rows);
        }
    }

    /** What is chosen from, {@code [rows, vocabulary]}: penalised logits where greedy, else probabilities. */
    Tensor scores(Tensor logits, List<Row> rows) {
        try (var scope = Scope.open()) {
            var scores = options.repetitionPenalty() == 1 ? logits : penalised(logits, rows);
            return scope.keep(
                    options.greedy()
                            ? scores.contiguous()
                            : minP(topP(topK(scores.div(new Scalar(options.temperature())))))
                                    .softmax(-1));
        }
    }

    private int[] choose(Tensor scores, List<Row> rows) {
        int vocabulary = Math.toIntExact(scores.size(1));
        var values = new float[vocabulary];
        var pointer = new FloatPointer(scores.data_ptr());
        var chosen = new int[rows.size()];
        for (int i = 0; i < chosen.length; i++) {
            pointer.position((long) i * vocabulary).get(values);
            var row = rows.get(i);
            chosen[i] = options.greedy() ? likeliest(values) : drawn(values, row);
            if (chosen[i] < 0) {
                throw new InputException(row.name() + ": the model's logits at token " + row.length()
                        + " are not numbers; run it in fp32, or check the weights of model and adapter.");
            }
        }
        return chosen;
    }

    /** The first of the highest values; -1 if there is none, or one is not a number. */
    private static int likeliest(float[] values) {
        int best = -1;
        for (int i = 0; i < values.length; i++) {
            if (Float.isNaN(values[i])) {
                return -1;
            }
            if (values[i] > (best < 0 ? Float.NEGATIVE_INFINITY : values[best])) {
                best = i;
            }
        }
        return best;
    }

    /** Inverts the cumulative distribution at the row's uniform number; -1 if the probabilities are not numbers. */
    private int drawn(float[] probabilities, Row row) {
        double total = 0;
        for (float probability : probabilities) {
            total += probability;
        }
        if (Double.isNaN(total)) {
            return -1;
        }
        double left = random.at(row.id()).at(row.length()).uniform() * total;
        int last = -1;
        for (int i = 0; i < probabilities.length; i++) {
            if (probabilities[i] > 0) {
                last = i;
                left -= probabilities[i];
                if (left < 0) {
                    return i;
                }
            }
        }
        return last; // rounding took the sum a little below the total
    }

    /** Each token that a row has is penalised once, however often it occurs. */
    private Tensor penalised(Tensor logits, List<Row> rows) {
        var scores = logits.contiguous().clone();
        int vocabulary = Math.toIntExact(scores.size(1));
        float penalty = (float) options.repetitionPenalty();
        var pointer = new FloatPointer(scores.data_ptr());
        for (int i = 0; i < rows.size(); i++) {
            var row = rows.get(i);
            long start = (long) i * vocabulary;
            Arrays.stream(row.tokens(), 0, row.length()).distinct().forEach(id -> {
                long place = start + Objects.checkIndex(id, vocabulary);
                float score = pointer.get(place);
                pointer.put(place, score < 0 ? score * penalty : score / penalty);
            });
        }
        return scores;
    }

    /** Tokens that tie with the last one that stays stay too. */
    private Tensor topK(Tensor scores) {
        long vocabulary = scores.size(1);
        if (options.topK() == 0 || options.topK() >= vocabulary) {
            return scores;
        }
        var least = scores.topk(options.topK()).get0().narrow(1, options.topK() - 1, 1);
        return scores.masked_fill(scores.lt(least), removed());
    }

    private Tensor topP(Tensor scores) {
        if (options.topP() == 1) {
            return scores;
        }
        var sorted = scores.sort(1, false);
        var below = sorted.get0().softmax(-1).cumsum(-1).le(new Scalar(1 - options.topP()));
        below.narrow(1, scores.size(1) - 1, 1).fill_(new Scalar(0)); // the likeliest always stays
        return scores.masked_fill(below.scatter(1, sorted.get1(), below), removed());
    }

    private Tensor minP(Tensor scores) {
        if (options.minP() == 0) {
            return scores;
        }
        var probabilities = scores.softmax(-1);
        var least = probabilities.amax(new long[] {-1}, true).mul(new Scalar(options.minP()));
        return scores.masked_fill(probabilities.lt(least), removed());
    }

    private static Scalar removed() {
        return new Scalar(Double.NEGATIVE_INFINITY);
    }
}
