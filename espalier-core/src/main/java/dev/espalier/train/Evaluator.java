package dev.espalier.train;

import dev.espalier.data.Batch;
import dev.espalier.data.Batcher;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.TaskKind;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.TaskLoss;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;

/** Runs a model over examples without dropout: batches of like lengths, each on one worker. */
final class Evaluator {
    /** Rows of a batch, whatever training uses: so a run's numbers and those of a later evaluation are the same. */
    private static final int BATCH_SIZE = 32;

    /** Batches that are run before training, so that a mistake shows in seconds. */
    private static final int CHECKED_BATCHES = 2;

    private static final float[] NONE = {};

    private final LanguageModel model;
    private final Workers workers;
    private final int padId;

    Evaluator(LanguageModel model, Workers workers, int padId) {
        this.model = model;
        this.workers = workers;
        this.padId = padId;
    }

    /**
     * What a model made of examples.
     *
     * @param loss the mean over all answers asked; NaN if targets are not known
     * @param answers of each example, in the examples' order: probabilities or the number, {@code [outputs]}, or for each
     *     word that has a token {@code [words * outputs]}
     */
    record Outputs(double loss, List<float[]> answers) {}

    /**
     * Answers examples and compares with their targets.
     *
     * @param examples as one call of the encoder gives them: ids are places in the list
     */
    Evaluation evaluate(AdaptedTask task, List<EncodedExample> examples) {
        return Evaluation.of(task, examples, run(task, examples, true));
    }

    /** Answers examples whose targets are not known. */
    List<float[]> answer(AdaptedTask task, List<EncodedExample> examples) {
        return run(task, examples, false).answers();
    }

    /** Runs the longest examples through model, loss and metrics, so that a mistake shows before training. */
    void check(AdaptedTask task, List<EncodedExample> examples) {
        var batches = new ArrayList<Batch>();
        for (var batch : Batcher.inLengthOrder(examples, BATCH_SIZE, padId)) {
            if (batches.size() == CHECKED_BATCHES) {
                break;
            }
            batches.add(batch);
        }
        workers.map(batches, (batch, place) -> part(task, batch, true));
    }

    private Outputs run(AdaptedTask task, List<EncodedExample> examples, boolean withLoss) {
        var batches = new ArrayList<Batch>();
        Batcher.inLengthOrder(examples, BATCH_SIZE, padId).forEach(batches::add);
        var answers = new ArrayList<>(Collections.nCopies(examples.size(), NONE));
        double loss = 0;
        int asked = 0;
        var parts = workers.map(batches, (batch, place) -> part(task, batch, withLoss));
        for (int i = 0; i < parts.size(); i++) {
            var batch = batches.get(i);
            for (int row = 0; row < batch.rows(); row++) {
                answers.set(
                        (int) batch.exampleIds()[row], parts.get(i).answers().get(row));
            }
            loss += parts.get(i).loss();
            asked += batch.labelCount();
        }
        return new Outputs(loss / asked, answers);
    }

    /** The sum of the losses, and the answers row by row. */
    private Outputs part(AdaptedTask task, Batch batch, boolean withLoss) {
        try (var scope = Scope.open();
                var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
            var logits = model.logits(task.head(), batch, context);
            double loss = withLoss
                    ? TaskLoss.of(task.kind(), logits, batch, 1, context)
                            .value()
                            .item_double()
                    : Double.NaN;
            var answers = floats(TaskLoss.answers(task.kind(), logits.value()));
            int width = answers.length / batch.rows();
            return new Outputs(
                    loss,
                    task.kind() == TaskKind.TOKEN_LABELS
                            ? perWord(batch, answers)
                            : rows(answers, batch.rows(), width));
        }
    }

    private static List<float[]> rows(float[] values, int rows, int width) {
        var list = new ArrayList<float[]>();
        for (int row = 0; row < rows; row++) {
            list.add(Arrays.copyOfRange(values, row * width, (row + 1) * width));
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

    private static float[] floats(Tensor tensor) {
        var contiguous = tensor.contiguous();
        var values = new float[Math.toIntExact(contiguous.numel())];
        new FloatPointer(contiguous.data_ptr()).get(values);
        return values;
    }
}
