package dev.espalier.data;

import java.util.List;
import java.util.Map;

/**
 * The examples of one task. Its labels are those of the training split; every other split uses no other label. The
 * test split is for the final score only: nothing is chosen by it.
 *
 * @param name the task's name, unique within a run
 * @param kind what is asked
 * @param train the examples to learn from
 * @param validation the examples that choose the best checkpoint; may be empty
 * @param test the examples of the final score; may be empty
 * @param labels the label space; empty for a number or a text
 * @param labelDescriptions a line about each label, as far as known
 * @param causalLm how the examples become texts where the kind is {@link TaskKind#CAUSAL_LM}
 */
public record TaskData(
        String name,
        TaskKind kind,
        List<Example> train,
        List<Example> validation,
        List<Example> test,
        LabelSpace labels,
        Map<String, String> labelDescriptions,
        CausalOptions causalLm) {
    public TaskData {
        train = List.copyOf(train);
        validation = List.copyOf(validation);
        test = List.copyOf(test);
        labelDescriptions = Map.copyOf(labelDescriptions);
    }

    /** A task that asks for labels or a number. */
    public TaskData(
            String name,
            TaskKind kind,
            List<Example> train,
            List<Example> validation,
            List<Example> test,
            LabelSpace labels,
            Map<String, String> labelDescriptions) {
        this(name, kind, train, validation, test, labels, labelDescriptions, CausalOptions.DEFAULT);
    }

    /** Outputs a head of this task has: one per label, or one for a number. */
    public int outputs() {
        return kind == TaskKind.REGRESSION ? 1 : labels.size();
    }
}
