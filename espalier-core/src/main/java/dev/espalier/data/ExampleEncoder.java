package dev.espalier.data;

import dev.espalier.text.Encoded;
import dev.espalier.text.TextTokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Turns the examples of one task into numbers. Words without known labels get label 0 where a label would stand, so
 * that a prediction finds the token that answers for each word.
 */
public final class ExampleEncoder implements TaskEncoder {
    private static final int[] NO_LABELS = {};
    private static final float[] NO_VALUES = {};

    private final int task;
    private final LabelSpace labels;
    private final TextTokenizer tokenizer;
    private final int maxTokens;

    /**
     * @param task the task's place in the run
     * @param labels the task's labels
     * @param maxTokens tokens of a row at most, special tokens included; longer texts are cut
     */
    public ExampleEncoder(int task, LabelSpace labels, TextTokenizer tokenizer, int maxTokens) {
        this.task = task;
        this.labels = labels;
        this.tokenizer = tokenizer;
        this.maxTokens = maxTokens;
    }

    @Override
    public List<EncodedExample> encode(List<Example> examples, String what) {
        return IntStream.range(0, examples.size())
                .mapToObj(place -> encode(place, examples.get(place)))
                .toList();
    }

    /** One example, with an id that the caller chooses. */
    public EncodedExample encode(long id, Example example) {
        var tokens = example.input().encode(tokenizer, maxTokens);
        return new EncodedExample(
                task,
                id,
                tokens.ids(),
                tokens.typeIds(),
                labels(example, tokens),
                values(example.target(), example.origin()),
                candidates(example.input()));
    }

    private List<int[]> candidates(Input input) {
        return input instanceof Input.Choice choice
                ? tokenizer.encodeAll(choice.candidates(), maxTokens).stream()
                        .map(Encoded::ids)
                        .toList()
                : List.of();
    }

    private int[] labels(Example example, Encoded tokens) {
        if (example.target() instanceof Target.Label one) {
            return new int[] {labels.index(one.label(), example.origin())};
        }
        if (example.target() instanceof Target.Choice choice) {
            return new int[] {choice.right()};
        }
        if (example.target() instanceof Target.WordLabels words) {
            return onFirstTokens(
                    words.labels().stream()
                            .mapToInt(label -> labels.index(label, example.origin()))
                            .toArray(),
                    tokens.wordIds());
        }
        if (example.target() instanceof Target.None && example.input() instanceof Input.Words words) {
            return onFirstTokens(new int[words.words().size()], tokens.wordIds());
        }
        return NO_LABELS;
    }

    /** A word's label stands on its first token; its other tokens and special tokens are not asked. */
    private static int[] onFirstTokens(int[] wordLabels, int[] wordIds) {
        var onTokens = new int[wordIds.length];
        Arrays.fill(onTokens, Batch.IGNORED);
        int previous = Encoded.SPECIAL;
        for (int token = 0; token < wordIds.length; token++) {
            int word = wordIds[token];
            if (word != Encoded.SPECIAL && word != previous) {
                onTokens[token] = wordLabels[word];
            }
            previous = word;
        }
        return onTokens;
    }

    private float[] values(Target target, Origin origin) {
        if (target instanceof Target.Value number) {
            return new float[] {(float) number.value()};
        }
        if (target instanceof Target.Labels several) {
            var applies = new float[labels.size()];
            several.labels().forEach(label -> applies[labels.index(label, origin)] = 1);
            return applies;
        }
        return NO_VALUES;
    }
}
