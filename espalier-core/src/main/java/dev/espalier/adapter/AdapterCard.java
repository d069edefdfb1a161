package dev.espalier.adapter;

import dev.espalier.data.CausalOptions;
import dev.espalier.data.TaskKind;
import dev.espalier.model.LabelEmbeddings;
import dev.espalier.model.Pooling;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What an adapter folder says beside PEFT's two files, in {@value AdapterFolder#CARD}: enough to use the adapter without
 * the run that made it.
 *
 * @param baseModel name or path of the model it was trained on
 * @param maxTokens tokens that inputs were truncated to in training
 * @param heads the trained heads
 */
public record AdapterCard(String baseModel, Optional<Integer> maxTokens, List<SavedHead> heads) {
    public AdapterCard {
        heads = List.copyOf(heads);
    }

    /** The same, with files found from {@code folder}. */
    AdapterCard in(Path folder) {
        return map((place, options) -> options.in(folder));
    }

    /** The same, with each chat template's file named as it is in the adapter's folder. */
    AdapterCard portable() {
        return map((place, options) ->
                options.templateFile().isPresent() ? options.withTemplate(templateName(place)) : options);
    }

    /** The files of chat templates, by the names that they have in an adapter's folder. */
    public Map<String, Path> templates() {
        Map<String, Path> files = new LinkedHashMap<>();
        map((place, options) -> {
            options.templateFile().ifPresent(file -> files.put(templateName(place), file));
            return options;
        });
        return files;
    }

    private String templateName(int place) {
        return heads.size() == 1 ? "chat_template.jinja" : "chat_template_" + place + ".jinja";
    }

    private interface Change {
        CausalOptions apply(int place, CausalOptions options);
    }

    private AdapterCard map(Change change) {
        var changed = new ArrayList<SavedHead>();
        for (var head : heads) {
            int place = changed.size();
            changed.add(head.causalLm()
                    .map(options -> head.with(change.apply(place, options)))
                    .orElse(head));
        }
        return new AdapterCard(baseModel, maxTokens, changed);
    }

    /**
     * A trained head.
     *
     * @param name the head's name in the model; empty for the one head of a model
     * @param task the task it answers
     * @param labels in the order of its outputs; empty for a number or a text
     * @param causalLm how rows became texts, where it answers with a text
     * @param labelEmbeddings what texts are compared with, where it does that and has no weights
     */
    public record SavedHead(
            String name,
            String task,
            TaskKind kind,
            List<String> labels,
            Pooling pooling,
            Optional<CausalOptions> causalLm,
            Optional<LabelEmbeddings> labelEmbeddings) {
        public SavedHead {
            labelEmbeddings = labelEmbeddings == null ? Optional.empty() : labelEmbeddings;
            labels = List.copyOf(labels);
            causalLm = causalLm == null ? Optional.empty() : causalLm;
        }

        /** A head with weights of its own or of the model's. */
        public SavedHead(
                String name,
                String task,
                TaskKind kind,
                List<String> labels,
                Pooling pooling,
                Optional<CausalOptions> causalLm) {
            this(name, task, kind, labels, pooling, causalLm, Optional.empty());
        }

        /** A head for labels or a number, or for texts in the default form. */
        public SavedHead(String name, String task, TaskKind kind, List<String> labels, Pooling pooling) {
            this(name, task, kind, labels, pooling, Optional.empty());
        }

        private SavedHead with(CausalOptions options) {
            return new SavedHead(name, task, kind, labels, pooling, Optional.of(options), labelEmbeddings);
        }

        /** Outputs of the head. */
        public int outputs() {
            return kind == TaskKind.REGRESSION ? 1 : labels.size();
        }
    }
}
