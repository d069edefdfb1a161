package dev.espalier.train;

import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.data.CausalOptions;
import dev.espalier.data.LabelSpace;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.Head;
import dev.espalier.model.LabelEmbeddings;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Pooling;
import dev.espalier.tensor.RandomStream;
import dev.espalier.text.Encoded;
import dev.espalier.text.TextTokenizer;
import java.util.List;
import java.util.Optional;

/** The heads of a run's tasks, new and saved. */
record TaskHeads(LanguageModel model, TextTokenizer tokenizer) {

    /** A model's only head has no name, as Hugging Face's models have it; of several each has its task's. */
    static String name(String task, int tasks) {
        return tasks == 1 ? "" : task;
    }

    /**
     * A new head for the task.
     *
     * @throws InputException if the model has none for such tasks
     */
    AdaptedTask create(TaskData task, Training training, RandomStream random) {
        var name = name(task.name(), training.tasks().size());
        var embeddings = embeddings(task, training);
        var head = embeddings
                .map(settings -> add(name, training.pooling(), settings))
                .orElseGet(() -> model.addHead(name, task.kind(), task.outputs(), training.pooling(), random));
        return new AdaptedTask(
                task.name(), task.kind(), task.labels(), training.pooling(), head, task.causalLm(), embeddings);
    }

    /** A choice has no other head; texts that are written have their own. */
    private static Optional<LabelEmbeddings> embeddings(TaskData task, Training training) {
        return switch (task.kind()) {
            case CHOICE -> Optional.of(training.labelEmbeddings().orElse(LabelEmbeddings.DEFAULT));
            case SINGLE_LABEL -> training.labelEmbeddings().map(settings -> settings.of(texts(task)));
            case CAUSAL_LM -> Optional.empty();
            case MULTI_LABEL, REGRESSION, TOKEN_LABELS -> {
                if (training.labelEmbeddings().isPresent()) {
                    throw new InputException("Task '" + task.name() + "' is of kind "
                            + Json.recipes().valueToTree(task.kind()).asString()
                            + ", and label embeddings answer with one label or one candidate; use a head that is a"
                            + " classifier for it.");
                }
                yield Optional.empty();
            }
        };
    }

    /** What is known about each label, else its name. */
    private static List<String> texts(TaskData task) {
        var descriptions = task.labelDescriptions();
        return task.labels().names().stream()
                .map(label -> descriptions.getOrDefault(label, label))
                .toList();
    }

    private Head add(String name, Pooling pooling, LabelEmbeddings settings) {
        var ids = tokenizer.encodeAll(settings.texts(), model.maxTokens()).stream()
                .map(Encoded::ids)
                .toList();
        return model.addLabelEmbeddings(name, pooling, settings, ids, tokenizer.padId());
    }

    /** Adds the heads that have no weights in their folder, but texts that are read anew. */
    void addWithoutWeights(List<SavedHead> heads) {
        for (var head : heads) {
            head.labelEmbeddings().ifPresent(settings -> add(head.name(), head.pooling(), settings));
        }
    }

    /** A saved head that the model has. */
    AdaptedTask restored(SavedHead saved) {
        return new AdaptedTask(
                saved.task(),
                saved.kind(),
                LabelSpace.inOrder(saved.labels()),
                saved.pooling(),
                Optional.ofNullable(model.heads().get(saved.name())).orElseThrow(),
                saved.causalLm().orElse(CausalOptions.DEFAULT),
                saved.labelEmbeddings());
    }

    static SavedHead saved(AdaptedTask task, int tasks) {
        return new SavedHead(
                name(task.name(), tasks),
                task.name(),
                task.kind(),
                task.labels().names(),
                task.pooling(),
                task.kind() == TaskKind.CAUSAL_LM ? Optional.of(task.causalLm()) : Optional.empty(),
                task.embeddings());
    }
}
