package dev.espalier.text;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tokenizer of a Hugging Face folder ({@code tokenizer.json}), the same code in Rust that Hugging Face runs. It
 * adds the model's special tokens, cuts at the right, and never pads: padding belongs to a batch. Safe to use from
 * several threads.
 */
public final class TextTokenizer implements AutoCloseable {
    /** Texts go to the native side in chunks, for all of their encodings are in memory at once there. */
    private static final int CHUNK = 1024;

    private static final Map<String, String> WHOLE = Map.of("padding", "false", "truncation", "false");

    private final HuggingFaceTokenizer texts;
    private final HuggingFaceTokenizer words;
    private final Vocabulary vocabulary;
    private final int padId;

    private TextTokenizer(JsonNode tokenizer, JsonNode settings) {
        vocabulary = Vocabulary.of(tokenizer);
        padId = padId(settings, vocabulary);
        texts = Native.tokenizer(tokenizer.toString(), WHOLE);
        words = spacesWords(tokenizer) ? Native.tokenizer(tokenizer.toString(), WHOLE) : texts;
    }

    /**
     * Opens the tokenizer of a model folder. Whatever padding and truncation the file asks for is ignored.
     *
     * @throws InputException if the folder has no {@code tokenizer.json}, or it cannot be read
     */
    public static TextTokenizer open(Path folder) {
        var file = folder.resolve("tokenizer.json");
        if (!Files.exists(file)) {
            throw new InputException("No tokenizer in " + folder
                    + ": expected tokenizer.json; save it there with Hugging Face's fast tokenizer.");
        }
        var settings = folder.resolve("tokenizer_config.json");
        var tree = Json.read(file);
        if (!(tree instanceof ObjectNode tokenizer) || !tree.path("model").isObject()) {
            throw new InputException(file + " is not a tokenizer: it has no 'model'.");
        }
        tokenizer.putNull("padding").putNull("truncation");
        try {
            return new TextTokenizer(
                    tokenizer,
                    Files.exists(settings) ? Json.read(settings) : Json.mapper().createObjectNode());
        } catch (RuntimeException e) {
            throw new InputException(file + " is not a tokenizer that can be used: " + e.getMessage() + ".", e);
        }
    }

    /** Encodes one text into at most {@code maxTokens} tokens, special tokens included. */
    public Encoded encode(String text, int maxTokens) {
        return cut(texts.encode(text), maxTokens);
    }

    /** Encodes two texts into one row; what is too long is cut as by Hugging Face's {@code longest_first}. */
    public Encoded encode(String first, String second, int maxTokens) {
        return cut(texts.encode(first, second), maxTokens);
    }

    /** Encodes texts, each on its own, on several threads. */
    public List<Encoded> encodeAll(List<String> batch, int maxTokens) {
        return IntStream.iterate(0, start -> start < batch.size(), start -> start + CHUNK)
                .mapToObj(start -> batch.subList(start, Math.min(start + CHUNK, batch.size())))
                .flatMap(chunk -> Stream.of(texts.batchEncode(chunk)))
                .map(encoding -> cut(encoding, maxTokens))
                .toList();
    }

    /**
     * Encodes a text that is already split into words; {@link Encoded#wordIds()} are places in {@code words}. Words
     * that the tokenizer drops, and words beyond {@code maxTokens}, have no token.
     */
    public Encoded encodeWords(List<String> list, int maxTokens) {
        return cut(words.encode(list), maxTokens);
    }

    /**
     * The text of {@code ids} as the tokenizer's decoder writes it, special tokens left out. Bytes that are no UTF-8
     * become U+FFFD; of a token stream, {@link TextStream} gives whole characters only.
     */
    public String decode(int... ids) {
        return texts.decode(Arrays.stream(ids).asLongStream().toArray(), true);
    }

    /** The id that fills short rows: the tokenizer's padding token, or 0 where it has none. */
    public int padId() {
        return padId;
    }

    /** The tokens and their ids. */
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    /** Frees the native memory. */
    @Override
    public void close() {
        texts.close();
        if (words != texts) {
            words.close();
        }
    }

    private static Encoded cut(Encoding encoding, int maxTokens) {
        var sequence = encoding.getSequenceIds();
        int first = count(sequence, 0);
        int second = count(sequence, 1);
        var keep = Truncation.longestFirst(first, second, sequence.length - first - second, maxTokens);
        var kept = new int[sequence.length - (first - keep.first()) - (second - keep.second())];
        int length = 0;
        int[] seen = {0, 0};
        for (int token = 0; token < sequence.length; token++) {
            int text = (int) sequence[token];
            if (text < 0 || seen[text]++ < (text == 0 ? keep.first() : keep.second())) {
                kept[length++] = token;
            }
        }
        return new Encoded(
                pick(encoding.getIds(), kept), pick(encoding.getTypeIds(), kept), pick(encoding.getWordIds(), kept));
    }

    private static int count(long[] sequence, int text) {
        return (int) Arrays.stream(sequence).filter(id -> id == text).count();
    }

    private static int[] pick(long[] values, int[] places) {
        return Arrays.stream(places).map(place -> (int) values[place]).toArray();
    }

    /**
     * A byte-level tokenizer writes a space before a word that follows another. Words that arrive apart need that space
     * too (Hugging Face: {@code add_prefix_space}); a text must not get one at its start.
     */
    private static boolean spacesWords(JsonNode tokenizer) {
        boolean changed = false;
        for (var part : tokenizer.findParents("add_prefix_space")) {
            if ("ByteLevel".equals(part.path("type").asString(""))
                    && !part.path("add_prefix_space").asBoolean()) {
                ((ObjectNode) part).put("add_prefix_space", true);
                changed = true;
            }
        }
        return changed;
    }

    private static int padId(JsonNode settings, Vocabulary vocabulary) {
        var named = settings.path("pad_token");
        return Stream.of(named.isObject() ? named.path("content").asString("") : named.asString(""), "[PAD]", "<pad>")
                .flatMapToInt(token -> vocabulary.id(token).stream())
                .findFirst()
                .orElse(0);
    }
}
