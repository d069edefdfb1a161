package dev.espalier.train;

import dev.espalier.data.CausalOptions;
import dev.espalier.data.LabelSpace;
import dev.espalier.data.TaskKind;
import dev.espalier.model.Head;
import dev.espalier.model.LabelEmbeddings;
import dev.espalier.model.Pooling;
import java.util.Optional;

/**
 * A task that a model has a head for.
 *
 * @param name the task's name
 * @param kind what is asked
 * @param labels the label space, by the head's outputs; empty for a number or a text
 * @param pooling what the head reads
 * @param head the head
 * @param causalLm how rows become texts, where the answer is a text
 * @param embeddings what texts are compared with, where the head does that
 */
public record AdaptedTask(
        String name,
        TaskKind kind,
        LabelSpace labels,
        Pooling pooling,
        Head head,
        CausalOptions causalLm,
        Optional<LabelEmbeddings> embeddings) {}
