package dev.espalier.train;

import dev.espalier.data.Batch;
import dev.espalier.data.Batcher;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.TaskKind;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Head;
import dev.espalier.model.Judged;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.PrefixStates;
import dev.espalier.model.SequenceGuide;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Runs a model over examples without dropout: batches of like lengths, each on one worker. */
final class Evaluator {
    /** Rows of a batch, whatever training uses: so a run's numbers and those of a later evaluation are the same. */
    private static final int BATCH_SIZE = 32;

    /** Tokens of a batch: attention's memory grows with the rows and with the square of their length. */
    private static final int MOST_TOKENS = 4096;

    /** Batches that are run before training, so that a mistake shows in seconds. */
    private static final int CHECKED_BATCHES = 2;

    private static final float[] NONE = {};

    private final LanguageModel model;
    private final Workers workers;
    private final int padId;
    private final SequenceGuide guide;
    private final @Nullable PrefixStates prefix;

    Evaluator(LanguageModel model, Workers workers, int padId) {
        this(model, workers, padId, SequenceGuide.NONE, null);
    }

    private Evaluator(
            LanguageModel model, Workers workers, int padId, SequenceGuide guide, @Nullable PrefixStates prefix) {
        this.model = model;
        this.workers = workers;
        this.padId = padId;
        this.guide = guide;
        this.prefix = prefix;
    }

    /** The same with examples that get what {@code guide} gives them; it is asked by their ids. */
    Evaluator guided(SequenceGuide by) {
        return new Evaluator(model, workers, padId, by, prefix);
    }

    /** The same with examples of which {@code states} know what the first layers make; null for none. */
    Evaluator knowing(@Nullable PrefixStates states) {
        return new Evaluator(model, workers, padId, guide, states);
    }

    /** The batches that examples of one task are run in. */
    Iterable<Batch> batches(List<EncodedExample> examples) {
        return Batcher.inLengthOrder(examples, BATCH_SIZE, MOST_TOKENS, padId);
    }

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
        for (var batch : batches(examples)) {
            if (batches.size() == CHECKED_BATCHES) {
                break;
            }
            batches.add(batch);
        }
        judged(task, batches, true);
    }

    private Judged run(AdaptedTask task, List<EncodedExample> examples, boolean withLoss) {
        var batches = new ArrayList<Batch>();
        batches(examples).forEach(batches::add);
        Map<Long, float[]> answers = new HashMap<>();
        double loss = 0;
        int asked = 0;
        var parts = judged(task, batches, withLoss);
        for (int i = 0; i < parts.size(); i++) {
            var batch = batches.get(i);
            for (int example = 0; example < batch.exampleIds().length; example++) {
                answers.put(batch.exampleIds()[example], parts.get(i).answers().get(example));
            }
            loss += parts.get(i).loss();
            asked += batch.labelCount();
        }
        return new Judged(
                loss / asked,
                examples.stream()
                        .map(example -> answers.getOrDefault(example.id(), NONE))
                        .toList());
    }

    private List<Judged> judged(AdaptedTask task, List<Batch> batches, boolean withLoss) {
        if (batches.isEmpty()) {
            return List.of();
        }
        try (var owner = new Owner()) {
            var head = task.head().settled(batches.get(0).task(), owner);
            return workers.map(batches, (batch, place) -> part(head, task.kind(), batch, withLoss));
        }
    }

    private Judged part(Head head, TaskKind kind, Batch batch, boolean withLoss) {
        try (var scope = Scope.open();
                var context = ForwardContext.evaluation(Tape.inference(), batch.layout())
                        .tasks(batch.tasks())) {
            if (prefix != null) {
                context.prefix(prefix);
            }
            guide.guide(
                    context,
                    Arrays.stream(batch.exampleIds()).mapToInt(Math::toIntExact).toArray());
            return head.judge(kind, model.hidden(batch, context), batch, withLoss, context);
        }
    }
}
