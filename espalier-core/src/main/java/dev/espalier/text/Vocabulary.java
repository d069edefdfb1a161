package dev.espalier.text;

import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Tokens and their ids, as the {@code tokenizer.json} lists them, added tokens included. */
public final class Vocabulary {
    private final Map<String, Integer> ids;
    private final Map<Integer, String> tokens;

    private final Set<Integer> specials;

    private Vocabulary(Map<String, Integer> ids, Set<Integer> specials) {
        this.ids = Collections.unmodifiableMap(ids);
        this.specials = Set.copyOf(specials);
        tokens = new HashMap<>(ids.size() * 2);
        ids.forEach((token, id) -> tokens.put(id, token));
    }

    static Vocabulary of(JsonNode tokenizer) {
        var ids = new HashMap<String, Integer>();
        var listed = tokenizer.path("model").path("vocab");
        if (listed.isArray()) { // Unigram: [token, score], the id is the place in the list
            for (int id = 0; id < listed.size(); id++) {
                ids.put(listed.get(id).path(0).asString(), id);
            }
        } else {
            listed.properties()
                    .forEach(entry -> ids.put(entry.getKey(), entry.getValue().asInt()));
        }
        var specials = new HashSet<Integer>();
        for (var added : tokenizer.path("added_tokens")) {
            ids.put(added.path("content").asString(), added.path("id").asInt());
            if (added.path("special").asBoolean(false)) {
                specials.add(added.path("id").asInt());
            }
        }
        return new Vocabulary(ids, specials);
    }

    /** The id of {@code token}, if there is such a token. */
    public OptionalInt id(String token) {
        var id = ids.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** The token with this id, if there is one. */
    public Optional<String> token(int id) {
        return Optional.ofNullable(tokens.get(id));
    }

    /** Whether this is a token that stands for no text, such as one that ends a turn. */
    public boolean isSpecial(int id) {
        return specials.contains(id);
    }

    /** One more than the highest id: the rows a model's embedding needs. */
    public int size() {
        return tokens.keySet().stream().mapToInt(id -> id + 1).max().orElse(0);
    }
}
