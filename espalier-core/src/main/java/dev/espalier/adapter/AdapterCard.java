package dev.espalier.adapter;

import dev.espalier.data.CausalOptions;
import dev.espalier.data.TaskKind;
import dev.espalier.model.Pooling;
import java.util.List;
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

    /**
     * A trained head.
     *
     * @param name the head's name in the model; empty for the one head of a model
     * @param task the task it answers
     * @param labels in the order of its outputs; empty for a number or a text
     * @param causalLm how rows became texts, where it answers with a text
     */
    public record SavedHead(
            String name,
            String task,
            TaskKind kind,
            List<String> labels,
            Pooling pooling,
            Optional<CausalOptions> causalLm) {
        public SavedHead {
            labels = List.copyOf(labels);
            causalLm = causalLm == null ? Optional.empty() : causalLm;
        }

        /** A head for labels or a number, or for texts in the default form. */
        public SavedHead(String name, String task, TaskKind kind, List<String> labels, Pooling pooling) {
            this(name, task, kind, labels, pooling, Optional.empty());
        }

        /** Outputs of the head. */
        public int outputs() {
            return kind == TaskKind.REGRESSION ? 1 : labels.size();
        }
    }
}
