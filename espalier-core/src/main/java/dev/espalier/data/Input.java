package dev.espalier.data;

import dev.espalier.error.InputException;
import dev.espalier.text.Encoded;
import dev.espalier.text.Message;
import dev.espalier.text.TextTokenizer;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

    /**
     * A text and the texts that it could go with, one of which is right. What is encoded is the text; each candidate is
     * a text of its own.
     */
    record Choice(String text, List<String> candidates) implements Input {
        public Choice {
            candidates = List.copyOf(candidates);
        }

        @Override
        public Encoded encode(TextTokenizer tokenizer, int maxTokens) {
            return tokenizer.encode(text, maxTokens);
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

    /**
     * The turns of a conversation before the response that is asked.
     *
     * @param variables what else a chat template reads, such as {@code tools}
     */
    record Chat(List<Message> messages, Map<String, Object> variables) implements Input {
        public Chat {
            messages = List.copyOf(messages);
            variables = Map.copyOf(variables);
        }

        @Override
        public Encoded encode(TextTokenizer tokenizer, int maxTokens) {
            throw onlyCausal("A conversation");
        }
    }

    /** What is to be done, and perhaps with what, as of Alpaca. */
    record Instruction(String instruction, Optional<String> context) implements Input {
        @Override
        public Encoded encode(TextTokenizer tokenizer, int maxTokens) {
            throw onlyCausal("An instruction");
        }
    }

    /**
     * A text that a response follows.
     *
     * @param separator what stands between them where no chat template parts them
     */
    record Prompt(String text, String separator) implements Input {
        @Override
        public Encoded encode(TextTokenizer tokenizer, int maxTokens) {
            throw onlyCausal("A prompt");
        }
    }

    private static InputException onlyCausal(String what) {
        return new InputException(what + " is for causal language models; choose a decoder, or another kind of task.");
    }

    /** The tokens of this input, at most {@code maxTokens}, special tokens included. */
    Encoded encode(TextTokenizer tokenizer, int maxTokens);
}
