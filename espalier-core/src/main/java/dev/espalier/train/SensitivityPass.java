package dev.espalier.train;

import dev.espalier.data.Batch;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.LanguageModel;
import dev.espalier.tensor.GradientSink;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;

/** Measures how sensitive a row's loss is to each matrix, row after row. */
interface SensitivityPass extends AutoCloseable {
    /**
     * The sum of the squared elements of the loss's gradient with respect to each matrix, in the matrices' order; 0 for
     * those that this row is not measured on.
     */
    double[] measure(Batch row);

    /** Rows that make up one measurement of all matrices. */
    int unit();

    /** Leaves the model as it was. */
    @Override
    void close();

    /** Forward and backward of the mean loss of a row's answers, without dropout. */
    static void run(LanguageModel model, StepTask task, boolean checkpointing, Batch row, GradientSink sink) {
        try (var scope = Scope.open();
                var whole = new SummingSink(sink, task.head().passes());
                var context = ForwardContext.evaluation(Tape.recording(whole), row.layout())
                        .checkpointing(checkpointing)) {
            var loss = model.loss(task.head(), task.kind(), row, 1.0 / row.labelCount(), context);
            context.tape().backward(loss);
        }
    }
}
