package dev.espalier.cli.recipe;

import dev.espalier.model.LabelEmbeddings;
import dev.espalier.model.LabelEmbeddings.Embedder;
import java.util.List;

/** How texts are compared with the texts of labels; see {@link LabelEmbeddings}, which it becomes. */
public record LabelEmbeddingsSection(
        @Key(value = "What cosines are divided by before the softmax.", above = 0)
        double temperature,

        @Key(
                "Which model embeds the labels: the one that is trained (adapted), so that labels and texts move together, or the bare one (base).")
        Embedder by) {
    static final LabelEmbeddingsSection DEFAULT =
            new LabelEmbeddingsSection(LabelEmbeddings.DEFAULT.temperature(), LabelEmbeddings.DEFAULT.by());

    /** What the library needs to know of it. */
    public LabelEmbeddings settings() {
        return new LabelEmbeddings(temperature, by, List.of());
    }
}
