package dev.espalier.generate;

import dev.espalier.json.Json;
import dev.espalier.text.ChatTemplate;
import dev.espalier.text.Message;
import dev.espalier.text.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** The tokens that end what a model writes. */
public final class StopTokens {
    private static final String KEY = "eos_token_id";

    private StopTokens() {}

    /**
     * Those that end a text: {@code eos_token_id}, a number or a list, of {@code generation_config.json} or else of
     * {@code config.json}, and the tokenizer's.
     */
    public static Set<Integer> of(Path folder, TextTokenizer tokenizer) {
        var ids = new HashSet<>(listed(folder.resolve("generation_config.json")));
        if (ids.isEmpty()) {
            ids.addAll(listed(folder.resolve("config.json")));
        }
        tokenizer.eosId().ifPresent(ids::add);
        return Set.copyOf(ids);
    }

    /** Those, and the token that ends an assistant's turn in the model's chat template. */
    public static Set<Integer> of(Path folder, TextTokenizer tokenizer, ChatTemplate template) {
        var ids = new HashSet<>(of(folder, tokenizer));
        endOfTurn(tokenizer, template).ifPresent(ids::add);
        return Set.copyOf(ids);
    }

    private static Set<Integer> listed(Path file) {
        var ids = new HashSet<Integer>();
        if (Files.exists(file)) {
            var value = Json.read(file).path(KEY);
            for (var id : value.isArray() ? value : List.<JsonNode>of(value)) {
                if (id.isIntegralNumber()) {
                    ids.add(id.asInt());
                }
            }
        }
        return ids;
    }

    /** The special token that follows the last turn's text at once; a template may end turns with plain text instead. */
    private static OptionalInt endOfTurn(TextTokenizer tokenizer, ChatTemplate template) {
        var answer = "Certainly";
        var text = template.render(List.of(Message.user("Hello"), Message.assistant(answer)), false)
                .text();
        int end = text.lastIndexOf(answer) + answer.length();
        var tokens = tokenizer.encodeSpans(text, false);
        for (int i = 0; i < tokens.length(); i++) {
            if (tokens.starts()[i] >= end) {
                int id = tokens.ids()[i];
                if (tokenizer.vocabulary().isSpecial(id)) {
                    return OptionalInt.of(id);
                }
                if (!text.substring(end, tokens.ends()[i]).isBlank()) {
                    break;
                }
            }
        }
        return OptionalInt.empty();
    }
}
