package dev.espalier.train;

import dev.espalier.data.Example;
import dev.espalier.data.Input;
import dev.espalier.data.LabelSpace;
import dev.espalier.data.Origin;
import dev.espalier.data.Target;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskKind;
import dev.espalier.json.Json;
import dev.espalier.text.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** 160 and 40 sentences of the Snips benchmark, as tasks of every kind; the last 40 of the 160 validate. */
public final class Snips {
    private static final int VALIDATION = 40;
    private static final Origin ORIGIN = new Origin("snips_intent.jsonl", 1);

    private Snips() {}

    private record Sentence(String split, String text, String intent) {}

    /** The intent: one of seven labels. */
    static TaskData intent() {
        return task("intent", TaskKind.SINGLE_LABEL, s -> new Target.Label(s.intent), Snips::text);
    }

    /** The intent, each with a line about it. */
    public static TaskData described() {
        var task = intent();
        return new TaskData(
                task.name(),
                task.kind(),
                task.train(),
                task.validation(),
                task.test(),
                task.labels(),
                task.labels().names().stream().collect(Collectors.toMap(name -> name, name -> "to " + name)));
    }

    /** What a sentence has: a number, many characters; possibly both or none. */
    static TaskData traits() {
        return task("traits", TaskKind.MULTI_LABEL, s -> new Target.Labels(traits(s.text)), Snips::text);
    }

    /** The number of characters, in twenties. */
    static TaskData length() {
        return task("length", TaskKind.REGRESSION, s -> new Target.Value(s.text.length() / 20.0), Snips::text);
    }

    /** Which words have more than four letters. */
    static TaskData longWords() {
        return task(
                "long-words",
                TaskKind.TOKEN_LABELS,
                s -> new Target.WordLabels(words(s.text).stream()
                        .map(word -> word.length() > 4 ? "LONG" : "O")
                        .toList()),
                s -> new Input.Words(words(s.text)));
    }

    /** The intent as a text that follows. */
    public static TaskData written() {
        return task(
                "written",
                TaskKind.CAUSAL_LM,
                s -> new Target.Response(Message.assistant(s.intent)),
                s -> new Input.Prompt(s.text, "\n"));
    }

    /** The intent as one of two texts that could follow. */
    public static TaskData chosen() {
        return task(
                "chosen",
                TaskKind.CAUSAL_LM,
                s -> s.intent.equals("PlayMusic")
                        ? new Target.Choice(0, List.of(s.intent, "GetWeather"))
                        : new Target.Choice(1, List.of("PlayMusic", s.intent)),
                s -> new Input.Prompt(s.text, "\n"));
    }

    /** The intent as one of the row's own two or three texts. */
    public static TaskData offered() {
        return task(
                "offered",
                TaskKind.CHOICE,
                s -> new Target.Choice(offers(s).indexOf(s.intent), offers(s)),
                s -> new Input.Choice(s.text, offers(s)));
    }

    private static List<String> offers(Sentence sentence) {
        var offers = new ArrayList<>(List.of("PlayMusic", "GetWeather", "RateBook"));
        if (sentence.text.length() % 2 == 0) {
            offers.remove(sentence.intent.equals("RateBook") ? "GetWeather" : "RateBook");
        }
        if (!offers.contains(sentence.intent)) {
            offers.set(1, sentence.intent);
        }
        return offers;
    }

    private static List<String> traits(String text) {
        var labels = new ArrayList<String>();
        if (text.matches(".*\\d.*")) {
            labels.add("number");
        }
        if (text.length() > 45) {
            labels.add("long");
        }
        return labels;
    }

    private static List<String> words(String text) {
        return List.of(text.split(" "));
    }

    private static Input text(Sentence sentence) {
        return new Input.Text(sentence.text);
    }

    private static TaskData task(
            String name, TaskKind kind, Function<Sentence, Target> target, Function<Sentence, Input> input) {
        var sentences = sentences();
        var all = sentences.stream()
                .filter(s -> s.split.equals("train"))
                .map(s -> new Example(input.apply(s), target.apply(s), ORIGIN))
                .toList();
        var test = sentences.stream()
                .filter(s -> s.split.equals("test"))
                .map(s -> new Example(input.apply(s), target.apply(s), ORIGIN))
                .toList();
        int cut = all.size() - VALIDATION;
        var labels = LabelSpace.of(
                all.stream().flatMap(e -> e.target().names().stream()).toList());
        return new TaskData(name, kind, all.subList(0, cut), all.subList(cut, all.size()), test, labels, Map.of());
    }

    private static List<Sentence> sentences() {
        try {
            var file =
                    Path.of(Snips.class.getResource("/data/snips_intent.jsonl").toURI());
            return Files.readAllLines(file).stream()
                    .map(line -> Json.mapper().readTree(line))
                    .map(row -> new Sentence(
                            row.path("split").asString(),
                            row.path("input").asString(),
                            row.path("output").asString()))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
