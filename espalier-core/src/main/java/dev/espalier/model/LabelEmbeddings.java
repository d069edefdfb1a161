package dev.espalier.model;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.espalier.error.InputException;
import java.util.List;

/**
 * A task's answers as texts: a text is answered by the label whose text's embedding is nearest, so that nothing but the
 * model trains, adapters of different tasks can be merged, and tasks that were never trained can be scored. An embedding is
 * pooled from the last hidden states and of length 1, as sentence encoders have it (Reimers and Gurevych 2019, arXiv
 * 1908.10084); the scores of a text are {@code cosine / temperature}, of which training takes the softmax.
 *
 * @param temperature what cosines are divided by, above 0
 * @param by which model embeds the labels
 * @param texts of the labels, in their order; empty where each input has candidates of its own
 */
public record LabelEmbeddings(double temperature, Embedder by, List<String> texts) {
    /** Usual for contrastive training of sentence encoders. */
    public static final LabelEmbeddings DEFAULT = new LabelEmbeddings(0.05, Embedder.ADAPTED, List.of());

    /** Which model embeds labels and candidates; texts are always embedded by the model with what is trained. */
    public enum Embedder {
        /** The model as it is, with what is trained: labels and texts move together. */
        @JsonProperty("adapted")
        ADAPTED,

        /** The bare model: labels stay where they were, as in CLIP's zero-shot heads (arXiv 2212.04089). */
        @JsonProperty("base")
        BASE
    }

    public LabelEmbeddings {
        if (!(temperature > 0) || !Double.isFinite(temperature)) {
            throw new InputException("The temperature of label embeddings is " + temperature + "; it must be above 0.");
        }
        by = by == null ? Embedder.ADAPTED : by;
        texts = texts == null ? List.of() : List.copyOf(texts);
    }

    /** The same for labels with these texts. */
    public LabelEmbeddings of(List<String> given) {
        return new LabelEmbeddings(temperature, by, given);
    }
}
