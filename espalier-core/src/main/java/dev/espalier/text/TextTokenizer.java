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
import java.util.OptionalInt;
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
    private final SpecialTokens specials;

    private TextTokenizer(JsonNode tokenizer, SpecialTokens specials) {
        vocabulary = Vocabulary.of(tokenizer);
        this.specials = specials;
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
        var specials = SpecialTokens.open(folder);
        var tree = Json.read(file);
        if (!(tree instanceof ObjectNode tokenizer) || !tree.path("model").isObject()) {
            throw new InputException(file + " is not a tokenizer: it has no 'model'.");
        }
        tokenizer.putNull("padding").putNull("truncation");
        try {
            return new TextTokenizer(tokenizer, specials);
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

    /**
     * Encodes a text of any length and tells where each token stands in it.
     *
     * @param specialTokens whether the tokenizer adds its special tokens; a text that a chat template wrote has them
     */
    public TokenSpans encodeSpans(String text, boolean specialTokens) {
        var encoding = texts.encode(text, specialTokens, false);
        var ids = encoding.getIds();
        var found = encoding.getCharTokenSpans();
        var starts = new int[ids.length];
        var ends = new int[ids.length];
        var offsets = offsets(text);
        int last = 0;
        for (int token = 0; token < ids.length; token++) {
            var span = found[token]; // counts code points; null for a token that was added
            starts[token] = span == null ? last : offsets[span.getStart()];
            ends[token] = span == null ? last : offsets[span.getEnd()];
            last = ends[token];
        }
        return new TokenSpans(Arrays.stream(ids).mapToInt(Math::toIntExact).toArray(), starts, ends);
    }

    /** Where each code point of a text begins, and where the text ends. */
    private static int[] offsets(String text) {
        var offsets = new int[text.codePointCount(0, text.length()) + 1];
        int place = 0;
        for (int at = 0; at < text.length(); at += Character.charCount(text.codePointAt(at))) {
            offsets[place++] = at;
        }
        offsets[place] = text.length();
        return offsets;
    }

    /** The id that fills short rows: the tokenizer's padding token, or 0 where it has none. */
    public int padId() {
        return Stream.concat(specials.token("pad_token").stream(), Stream.of("[PAD]", "<pad>"))
                .flatMapToInt(token -> vocabulary.id(token).stream())
                .findFirst()
                .orElse(0);
    }

    /** The id of the token that begins a text, if the model folder names one. */
    public OptionalInt bosId() {
        return id("bos_token");
    }

    /** The id of the token that ends a text, if the model folder names one. */
    public OptionalInt eosId() {
        return id("eos_token");
    }

    private OptionalInt id(String role) {
        return specials.token(role).map(vocabulary::id).orElseGet(OptionalInt::empty);
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
}
