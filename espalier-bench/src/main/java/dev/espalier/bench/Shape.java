package dev.espalier.bench;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.Activation;
import dev.espalier.model.EncoderConfig;
import java.util.Arrays;

/** Sizes of well-known encoders. */
public enum Shape {
    /** all-MiniLM-L6-v2: 6 layers of 384. */
    MINILM("minilm", 384, 6, 12, 1536),

    /** BERT-base: 12 layers of 768. */
    BERT_BASE("bert-base", 768, 12, 12, 3072);

    private final String key;
    private final int hidden;
    private final int layers;
    private final int heads;
    private final int intermediate;

    Shape(String key, int hidden, int layers, int heads, int intermediate) {
        this.key = key;
        this.hidden = hidden;
        this.layers = layers;
        this.heads = heads;
        this.intermediate = intermediate;
    }

    /** The name on the command line. */
    @JsonValue
    public String key() {
        return key;
    }

    /** The shape called {@code key}. */
    public static Shape of(String key) {
        var known = Arrays.stream(values()).map(Shape::key).toList();
        return Arrays.stream(values())
                .filter(shape -> shape.key.equals(key))
                .findFirst()
                .orElseThrow(() -> new InputException("Unknown shape '" + key + "'. Did you mean '"
                        + Nearest.to(key, known, 1).get(0) + "'? Known are " + String.join(", ", known) + "."));
    }

    /** A BERT config of this shape, without dropout. */
    EncoderConfig config() {
        return new EncoderConfig(
                "bert", hidden, layers, heads, intermediate, 30522, 512, 2, 0, 1e-12, Activation.GELU, 0, 0, 0, 0.02);
    }
}
