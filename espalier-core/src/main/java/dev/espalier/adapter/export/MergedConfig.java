package dev.espalier.adapter.export;

import dev.espalier.adapter.AdapterCard;
import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.model.Pooling;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code config.json} of a merged model: the base's, and what transformers has to know of a trained head. */
final class MergedConfig {
    /** What transformers' class names begin with. */
    private static final Map<String, String> CLASSES = Map.of("bert", "Bert", "roberta", "Roberta");

    private MergedConfig() {}

    /**
     * @param untied whether the output head no longer is the embedding
     * @throws InputException if transformers has no class for the heads
     */
    static JsonNode of(JsonNode base, AdapterCard card, boolean untied) {
        var config = (ObjectNode) base.deepCopy();
        if (untied) {
            config.put("tie_word_embeddings", false);
        }
        var heads = card.heads().stream()
                .filter(head -> head.kind() != TaskKind.CAUSAL_LM
                        && head.labelEmbeddings().isEmpty())
                .toList();
        if (heads.size() > 1) {
            throw new InputException("The adapter has " + heads.size()
                    + " heads, and transformers has no model with several; export it as format peft.");
        }
        heads.forEach(head -> addHead(config, head));
        return config;
    }

    private static void addHead(ObjectNode config, SavedHead head) {
        var type = config.path("model_type").stringValue("");
        var family = CLASSES.get(type);
        if (family == null || head.pooling() != Pooling.DEFAULT) {
            throw new InputException("transformers has no class for a " + type + " model with pooling "
                    + head.pooling().name().toLowerCase(Locale.ROOT)
                    + "; train with the default pooling, or export the adapter as format peft.");
        }
        boolean perToken = head.kind() == TaskKind.TOKEN_LABELS;
        config.putArray("architectures")
                .add(family + (perToken ? "ForTokenClassification" : "ForSequenceClassification"));
        if (!perToken) {
            config.put("problem_type", head.kind().problemType());
        }
        var names = config.putObject("id2label");
        var ids = config.putObject("label2id");
        for (int i = 0; i < head.outputs(); i++) {
            var label = head.labels().isEmpty() ? "LABEL_" + i : head.labels().get(i);
            names.put(Integer.toString(i), label);
            ids.put(label, i);
        }
    }
}
