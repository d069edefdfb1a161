package dev.espalier.bench;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The linears of well-known models, for merges, which need nothing else of a model. */
public enum MergeShape {
    /** all-MiniLM-L6-v2. */
    MINILM("minilm", 6, bert(384, 1536)),

    /** BERT-base. */
    BERT_BASE("bert-base", 12, bert(768, 3072)),

    /** Qwen2.5-0.5B. */
    QWEN2_5_0_5B("qwen2.5-0.5b", 24, qwen(896, 128, 4864));

    private static final List<String> QUERY_AND_VALUE = List.of("query", "value", "q_proj", "v_proj");

    private final String key;
    private final int layers;
    private final transient Map<String, List<Long>> linears;

    MergeShape(String key, int layers, Map<String, List<Long>> linears) {
        this.key = key;
        this.layers = layers;
        this.linears = linears;
    }

    /** The name on the command line. */
    public String key() {
        return key;
    }

    /** The shape called {@code key}. */
    public static MergeShape of(String key) {
        var known = Arrays.stream(values()).map(MergeShape::key).toList();
        return Arrays.stream(values())
                .filter(shape -> shape.key.equals(key))
                .findFirst()
                .orElseThrow(() -> new InputException("Unknown shape '" + key + "'. Did you mean '"
                        + Nearest.to(key, known, 1).get(0) + "'? Known are " + String.join(", ", known) + "."));
    }

    /**
     * The shapes {@code [out, in]} of weights, by their names.
     *
     * @param all of all linears, else of query and value
     */
    Map<String, List<Long>> weights(boolean all) {
        var weights = new LinkedHashMap<String, List<Long>>();
        for (int layer = 0; layer < layers; layer++) {
            for (var linear : linears.entrySet()) {
                var parts = new ArrayList<>(List.of(linear.getKey().split("\\.")));
                if (all || QUERY_AND_VALUE.contains(parts.get(parts.size() - 1))) {
                    weights.put("layers." + layer + "." + linear.getKey() + ".weight", linear.getValue());
                }
            }
        }
        return weights;
    }

    private static Map<String, List<Long>> bert(long hidden, long intermediate) {
        var linears = new LinkedHashMap<String, List<Long>>();
        for (var name : List.of("query", "key", "value", "output")) {
            linears.put("attention." + name, List.of(hidden, hidden));
        }
        linears.put("intermediate", List.of(intermediate, hidden));
        linears.put("output", List.of(hidden, intermediate));
        return linears;
    }

    private static Map<String, List<Long>> qwen(long hidden, long narrow, long intermediate) {
        var linears = new LinkedHashMap<String, List<Long>>();
        linears.put("self_attn.q_proj", List.of(hidden, hidden));
        linears.put("self_attn.k_proj", List.of(narrow, hidden));
        linears.put("self_attn.v_proj", List.of(narrow, hidden));
        linears.put("self_attn.o_proj", List.of(hidden, hidden));
        linears.put("mlp.gate_proj", List.of(intermediate, hidden));
        linears.put("mlp.up_proj", List.of(intermediate, hidden));
        linears.put("mlp.down_proj", List.of(hidden, intermediate));
        return linears;
    }
}
