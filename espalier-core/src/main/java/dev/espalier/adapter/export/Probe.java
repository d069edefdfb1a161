package dev.espalier.adapter.export;

import dev.espalier.data.Batch;
import dev.espalier.error.InputException;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.LanguageModel;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.text.Encoded;
import dev.espalier.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Sequences on which two models are compared.
 *
 * @param sequences token ids, at least one sequence
 */
public record Probe(List<int[]> sequences) {
    private static final int MAX_TOKENS = 64;

    public Probe {
        sequences = List.copyOf(sequences);
        if (sequences.isEmpty() || sequences.stream().anyMatch(ids -> ids.length == 0)) {
            throw new InputException("A probe needs at least one sequence, and a token in each.");
        }
    }

    /** Texts as sequences, cut after 64 tokens. */
    public static Probe of(TextTokenizer tokenizer, List<String> texts) {
        return new Probe(tokenizer.encodeAll(texts, MAX_TOKENS).stream()
                .map(Encoded::ids)
                .toList());
    }

    /**
     * What {@code model} gives for each sequence, in evaluation: every token's logits of a decoder, the heads' of an
     * encoder, its last hidden states if it has none. Of the caller's scope.
     */
    List<Tensor> outputs(LanguageModel model) {
        try (var scope = Scope.open()) {
            var outputs = new ArrayList<Tensor>();
            for (var ids : sequences) {
                var batch = batch(ids);
                try (var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
                    if (model.heads().isEmpty()) {
                        outputs.add(scope.keep(model.hidden(batch, context).value()));
                    }
                    for (var head : model.heads().values()) {
                        outputs.add(
                                scope.keep(model.logits(head, batch, context).value()));
                    }
                }
            }
            return outputs;
        }
    }

    private static Batch batch(int[] ids) {
        var inputs = Arrays.stream(ids).asLongStream().toArray();
        var layout = Layout.rightPadded(ids.length, ids.length);
        return new Batch(0, layout, inputs, new long[ids.length], new int[0], new float[0], new long[1], 0);
    }

    /** The largest absolute difference. */
    static double difference(List<Tensor> a, List<Tensor> b) {
        double largest = 0;
        for (int i = 0; i < a.size(); i++) {
            try (var scope = Scope.open()) {
                largest = Math.max(largest, a.get(i).sub(b.get(i)).abs().max().item_double());
            }
        }
        return largest;
    }
}
