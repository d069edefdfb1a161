package dev.espalier.model;

import java.util.List;

/** What differs between BERT-like families: names, positions, and the shape of their heads. */
public interface EncoderFamily {
    /** The values of {@code model_type} in config.json. */
    List<String> modelTypes();

    /** The path of the body in a model with a head, such as {@code bert}. */
    String prefix();

    /**
     * Position ids {@code [rows * tokens]}.
     *
     * @param inputIds token ids {@code [rows * tokens]}
     * @param tokens tokens of every row, padding included
     */
    long[] positions(long[] inputIds, int tokens, EncoderConfig config);

    /** The position whose embedding is never trained, or -1. */
    int positionPadding(EncoderConfig config);

    /** The longest sequence that has positions. */
    int maxTokens(EncoderConfig config);

    /** The dense layer with tanh before the classifier: where its weights are and what saves them. */
    ClassifierLayout classifier();

    /** Paths of the masked-language-model head. */
    MaskedLmLayout maskedLm();

    /**
     * The family's own sequence classifier: dense, tanh, projection.
     *
     * @param dense path of the dense layer that comes before tanh
     * @param projection path of the layer that gives logits
     * @param denseSaved the module that an adapter folder saves the dense layer with
     * @param dropoutBeforeDense whether dropout comes before the dense layer as well as after tanh
     */
    record ClassifierLayout(String dense, String projection, String denseSaved, boolean dropoutBeforeDense) {}

    /** Paths of a masked-language-model head: dense, norm, output bias; the output weight is the word embedding's. */
    record MaskedLmLayout(String dense, String norm, String bias) {}
}
