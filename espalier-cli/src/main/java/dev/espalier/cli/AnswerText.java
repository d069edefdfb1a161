package dev.espalier.cli;

import dev.espalier.json.Json;
import dev.espalier.train.Answer;
import dev.espalier.train.Answer.Scored;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** An answer as a line of text. */
final class AnswerText {
    private AnswerText() {}

    /**
     * The answer as a line.
     *
     * @param top how many labels of a single-label task
     * @param json a JSON object, else columns with tabs between them
     */
    static String of(Answer answer, int top, boolean json) {
        return json ? Json.mapper().writeValueAsString(object(answer, top)) : columns(answer, top);
    }

    private static String columns(Answer answer, int top) {
        if (answer instanceof Answer.Label label) {
            return columns(label.scored().stream().limit(top).toList());
        }
        if (answer instanceof Answer.Labels labels) {
            return columns(labels.applying());
        }
        if (answer instanceof Answer.Value value) {
            return String.valueOf((float) value.value());
        }
        var words = ((Answer.Words) answer).words();
        return words.stream().map(Scored::label).collect(Collectors.joining(" ")) + "\t"
                + words.stream().map(AnswerText::probability).collect(Collectors.joining(" "));
    }

    private static String columns(List<Scored> labels) {
        return labels.stream()
                .map(scored -> scored.label() + "\t" + probability(scored))
                .collect(Collectors.joining("\t"));
    }

    private static String probability(Scored scored) {
        return String.format(Locale.ROOT, "%.4f", scored.probability());
    }

    private static Object object(Answer answer, int top) {
        if (answer instanceof Answer.Label label) {
            return top == 1
                    ? label.scored().get(0)
                    : Map.of("labels", label.scored().stream().limit(top).toList());
        }
        if (answer instanceof Answer.Labels labels) {
            return Map.of("labels", labels.applying());
        }
        // The others are records of what is asked: {"value": …} and {"words": […]}.
        return answer;
    }
}
