package dev.espalier.data;

import dev.espalier.text.Encoded;
import dev.espalier.text.TextTokenizer;
import java.util.List;

/** What a model reads. */
public sealed interface Input {
    /** One text. */
    record Text(String text) implements Input {
        @Override
        public Encoded encode(TextTokenizer tokenizer, int maxTokens) {
            return tokenizer.encode(text, maxTokens);
        }
    }

    /** Two texts that are judged together. */
    record Pair(String first, String second) implements Input {
        @Override
        public Encoded encode(TextTokenizer tokenizer, int maxTokens) {
            return tokenizer.encode(first, second, maxTokens);
        }
    }

    /** A text split into words, for a label per word. */
    record Words(List<String> words) implements Input {
        public Words {
            words = List.copyOf(words);
        }

        @Override
        public Encoded encode(TextTokenizer tokenizer, int maxTokens) {
            return tokenizer.encodeWords(words, maxTokens);
        }
    }

    /** The tokens of this input, at most {@code maxTokens}, special tokens included. */
    Encoded encode(TextTokenizer tokenizer, int maxTokens);
}
