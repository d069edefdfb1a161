package dev.espalier.train;

import dev.espalier.data.Input;
import dev.espalier.data.LabelSpace;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.MultiLabelScores;
import dev.espalier.text.Encoded;
import dev.espalier.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** What a model answers for one input. */
public sealed interface Answer {
    /** A label and how probable it is, 0 to 1. */
    record Scored(String label, double probability) {}

    /**
     * One label of several, or one of the input's candidates.
     *
     * @param scored every label or candidate, the most probable first
     */
    record Label(List<Scored> scored) implements Answer {
        public Label {
            scored = List.copyOf(scored);
        }

        /** The most probable label. */
        public String label() {
            return scored.get(0).label();
        }

        /** How probable it is. */
        public double probability() {
            return scored.get(0).probability();
        }
    }

    /**
     * Any number of labels.
     *
     * @param scored every label, the most probable first; probabilities are each label's own
     */
    record Labels(List<Scored> scored) implements Answer {
        public Labels {
            scored = List.copyOf(scored);
        }

        /** The labels that apply. */
        public List<Scored> applying() {
            return scored.stream()
                    .filter(s -> s.probability() >= MultiLabelScores.THRESHOLD)
                    .toList();
        }
    }

    /** A number. */
    record Value(double value) implements Answer {}

    /**
     * A label for each word.
     *
     * @param words in the input's order. A word that the model did not see, because the input was cut before it, is
     *     answered by {@value #UNSEEN} with probability 0
     */
    record Words(List<Scored> words) implements Answer {
        /** The tag of a word outside all spans. */
        public static final String UNSEEN = "O";

        public Words {
            words = List.copyOf(words);
        }
    }

    /** The answer that {@code probabilities} mean; see {@link dev.espalier.model.Judged#answers}. */
    static Answer of(AdaptedTask task, Input input, float[] probabilities, TextTokenizer tokenizer, int maxTokens) {
        return switch (task.kind()) {
            case SINGLE_LABEL -> new Label(scored(task.labels().names(), probabilities));
            case CHOICE -> new Label(scored(candidates(input), probabilities));
            case MULTI_LABEL -> new Labels(scored(task.labels().names(), probabilities));
            case REGRESSION -> new Value(probabilities[0]);
            case TOKEN_LABELS -> words(task.labels(), input, probabilities, tokenizer, maxTokens);
            case CAUSAL_LM ->
                throw new InputException("Task '" + task.name() + "' asks for a text; use espalier generate for it.");
        };
    }

    private static List<String> candidates(Input input) {
        if (!(input instanceof Input.Choice choice)) {
            throw new InputException("A choice needs candidates; give the text and two or more.");
        }
        return choice.candidates();
    }

    private static List<Scored> scored(List<String> labels, float[] probabilities) {
        return IntStream.range(0, labels.size())
                .mapToObj(label -> new Scored(labels.get(label), probabilities[label]))
                .sorted(Comparator.comparingDouble((Scored s) -> -s.probability()))
                .toList();
    }

    private static Words words(
            LabelSpace labels, Input input, float[] probabilities, TextTokenizer tokenizer, int maxTokens) {
        if (!(input instanceof Input.Words words)) {
            throw new IllegalArgumentException("a label per word needs an input of words");
        }
        var answers = new ArrayList<Scored>();
        words.words().forEach(word -> answers.add(new Scored(Words.UNSEEN, 0)));
        int start = 0;
        int previous = Encoded.SPECIAL;
        for (int word : input.encode(tokenizer, maxTokens).wordIds()) {
            if (word != Encoded.SPECIAL && word != previous) {
                int best = Evaluation.argMax(probabilities, start, labels.size());
                answers.set(word, new Scored(labels.name(best), probabilities[start + best]));
                start += labels.size();
            }
            previous = word;
        }
        return new Words(answers);
    }
}
