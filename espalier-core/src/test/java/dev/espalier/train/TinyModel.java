package dev.espalier.train;

import dev.espalier.Fixtures;
import dev.espalier.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** The fixtures' small BERT with the usual dropout, and a tokenizer that reads letter by letter. */
public final class TinyModel {
    private static final List<String> SPECIAL = List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]");

    private TinyModel() {}

    /** Makes the model folder {@code folder}; its name for {@link Training#of}. */
    public static String in(Path folder) {
        try {
            Files.createDirectories(folder);
            var fixture = Fixtures.path("models/bert_cls");
            Files.copy(fixture.resolve("model.safetensors"), folder.resolve("model.safetensors"));
            var config = (ObjectNode) Json.read(fixture.resolve("config.json"));
            config.put("hidden_dropout_prob", 0.1)
                    .put("attention_probs_dropout_prob", 0.1)
                    .put("classifier_dropout", 0.1);
            Files.writeString(folder.resolve("config.json"), Json.pretty(config));
            Files.writeString(folder.resolve("tokenizer.json"), Json.pretty(tokenizer()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return folder.toString();
    }

    /** What it learns {@link Snips} with: batches of 15, of which an epoch has 8. */
    static TrainingOptions.Builder options() {
        return TrainingOptions.builder()
                .dtype("fp32")
                .batchSize(15)
                .maxTokens(16)
                .learningRate(1e-2);
    }

    private static ObjectNode tokenizer() {
        var json = Json.mapper().createObjectNode();
        json.put("version", "1.0").putNull("truncation").putNull("padding");
        var added = json.putArray("added_tokens");
        for (int id = 0; id < SPECIAL.size(); id++) {
            added.addObject()
                    .put("id", id)
                    .put("content", SPECIAL.get(id))
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        json.putObject("normalizer")
                .put("type", "BertNormalizer")
                .put("clean_text", true)
                .put("handle_chinese_chars", true)
                .put("strip_accents", true)
                .put("lowercase", true);
        json.putObject("pre_tokenizer").put("type", "BertPreTokenizer");
        var post = json.putObject("post_processor").put("type", "BertProcessing");
        post.putArray("sep").add("[SEP]").add(3);
        post.putArray("cls").add("[CLS]").add(2);
        json.putNull("decoder");
        var model = json.putObject("model")
                .put("type", "WordPiece")
                .put("unk_token", "[UNK]")
                .put("continuing_subword_prefix", "##")
                .put("max_input_chars_per_word", 100);
        var vocabulary = model.putObject("vocab");
        SPECIAL.forEach(token -> vocabulary.put(token, vocabulary.size()));
        for (char c = '!'; c <= '~'; c++) {
            if (!Character.isUpperCase(c)) {
                vocabulary.put(String.valueOf(c), vocabulary.size());
                vocabulary.put("##" + c, vocabulary.size());
            }
        }
        return json;
    }
}
