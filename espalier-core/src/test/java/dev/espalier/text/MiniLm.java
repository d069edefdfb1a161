package dev.espalier.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** The tokenizer of all-MiniLM-L6-v2, from the jar of its weights. */
public final class MiniLm {
    private MiniLm() {}

    /** Its {@code tokenizer.json}. */
    public static String json() throws IOException {
        try (var in = MiniLm.class.getResourceAsStream("/all-minilm-l6-v2-tokenizer.json")) {
            return new String(Objects.requireNonNull(in).readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        }
    }

    /** Opens it by way of a model folder. */
    public static TextTokenizer open(Path folder) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), json());
        return TextTokenizer.open(folder);
    }
}
