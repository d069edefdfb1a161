package dev.espalier.model;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;

/**
 * What a head made of a batch.
 *
 * @param loss the sum over all answers asked; NaN if targets are not known
 * @param answers of each example: probabilities or the number, {@code [outputs]} or {@code [candidates]}; for each word that has a token
 *     {@code [words * outputs]}; for each token of a text that has to be predicted the logarithm of its probability and
 *     whether it was the likeliest (1 or 0), {@code [targets * 2]}
 */
public record Judged(double loss, List<float[]> answers) {
    static Judged of(TaskKind kind, Variable logits, Batch batch, boolean withLoss, ForwardContext context) {
        double loss =
                withLoss ? TaskLoss.of(kind, logits, batch, 1, context).value().item_double() : Double.NaN;
        var answers = floats(TaskLoss.answers(kind, logits.value()));
        return new Judged(loss, kind == TaskKind.TOKEN_LABELS ? perWord(batch, answers) : perRow(batch, answers));
    }

    /** The outputs of every row: as many as it has candidates, where rows have their own. */
    private static List<float[]> perRow(Batch batch, float[] values) {
        int width = values.length / batch.rows();
        var list = new ArrayList<float[]>();
        for (int row = 0; row < batch.rows(); row++) {
            int outputs = batch.candidates().isEmpty()
                    ? width
                    : batch.candidates().get(row).size();
            list.add(Arrays.copyOfRange(values, row * width, row * width + outputs));
        }
        return list;
    }

    /** Of every row the tokens that answer for a word, one after another. */
    private static List<float[]> perWord(Batch batch, float[] values) {
        int outputs = values.length / (batch.rows() * batch.tokens());
        var list = new ArrayList<float[]>();
        for (int row = 0; row < batch.rows(); row++) {
            var words = new float[batch.tokens() * outputs];
            int length = 0;
            for (int token = row * batch.tokens(); token < (row + 1) * batch.tokens(); token++) {
                if (batch.labels()[token] != Batch.IGNORED) {
                    System.arraycopy(values, token * outputs, words, length, outputs);
                    length += outputs;
                }
            }
            list.add(Arrays.copyOf(words, length));
        }
        return list;
    }

    static float[] floats(Tensor tensor) {
        var contiguous = tensor.contiguous();
        var values = new float[Math.toIntExact(contiguous.numel())];
        new FloatPointer(contiguous.data_ptr()).get(values);
        return values;
    }
}
