package dev.espalier.bench;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.espalier.adapter.TargetModules;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.Activation;
import dev.espalier.model.DecoderConfig;
import dev.espalier.model.DecoderConfig.Biases;
import dev.espalier.model.DecoderConfig.DropoutRates;
import dev.espalier.model.DecoderConfig.Layer;
import dev.espalier.model.DecoderConfig.NormKind;
import dev.espalier.model.EncoderConfig;
import dev.espalier.model.Rope;
import java.util.Arrays;
import java.util.Collections;
import java.util.Optional;

/** Sizes of well-known models. */
public enum Shape {
    /** all-MiniLM-L6-v2: 6 layers of 384. */
    MINILM("minilm", new EncoderWorkload(bert(384, 6, 12, 1536))),

    /** BERT-base: 12 layers of 768. */
    BERT_BASE("bert-base", new EncoderWorkload(bert(768, 12, 12, 3072))),

    /** SmolLM2-135M: 30 layers of 576, 9 query heads on 3. */
    SMOLLM2_135M("smollm2-135m", new DecoderWorkload(llama("llama", 576, 30, 9, 3, 1536, 49152, false))),

    /** Qwen2.5-0.5B: 24 layers of 896, 14 query heads on 2. */
    QWEN2_5_0_5B("qwen2.5-0.5b", new DecoderWorkload(llama("qwen2", 896, 24, 14, 2, 4864, 151_936, true)));

    private final String key;
    private final transient Workload workload;

    Shape(String key, Workload workload) {
        this.key = key;
        this.workload = workload;
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

    Workload workload() {
        return workload;
    }

    /** The config of a decoder's shape. */
    DecoderConfig decoder() {
        return ((DecoderWorkload) workload).config();
    }

    /** Rows of a batch unless a user says otherwise. */
    public int usualBatch() {
        return workload.usualBatch();
    }

    /** Tokens of a row unless a user says otherwise. */
    public int usualTokens() {
        return workload.usualTokens();
    }

    /** Query and value, by the names that models of this shape have for them. */
    public TargetModules targets() {
        return workload.targets();
    }

    /** Query, key and value, likewise. */
    public TargetModules attentionInputs() {
        return workload.attentionInputs();
    }

    /** All four matrices of attention, likewise. */
    public TargetModules attention() {
        return workload.attention();
    }

    /** BERT's config, without dropout. */
    private static EncoderConfig bert(int hidden, int layers, int heads, int intermediate) {
        return new EncoderConfig(
                "bert", hidden, layers, heads, intermediate, 30522, 512, 2, 0, 1e-12, Activation.GELU, 0, 0, 0, 0.02);
    }

    /** A config of Llama's kind, with tied embeddings. */
    private static DecoderConfig llama(
            String modelType,
            int hidden,
            int layers,
            int heads,
            int keyValueHeads,
            int intermediate,
            int vocabulary,
            boolean biases) {
        int headDim = hidden / heads;
        var rope = new Rope(10_000, headDim, new Rope.Unscaled());
        return new DecoderConfig(
                modelType,
                hidden,
                heads,
                keyValueHeads,
                headDim,
                intermediate,
                vocabulary,
                8192,
                NormKind.RMS,
                1e-5,
                Activation.SILU,
                true,
                new Biases(biases, false, false),
                false,
                true,
                1,
                1 / Math.sqrt(headDim),
                0,
                0,
                Collections.nCopies(layers, new Layer(0, Optional.of(rope))),
                new DropoutRates(0, 0, 0),
                0.02);
    }
}
