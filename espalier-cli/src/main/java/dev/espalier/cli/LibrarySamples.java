package dev.espalier.cli;

import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.cli.recipe.Recipes;
import dev.espalier.data.Columns;
import dev.espalier.data.Example;
import dev.espalier.data.PredictionInput;
import dev.espalier.data.TaskKind;
import dev.espalier.data.TaskLoader;
import dev.espalier.data.TaskSpec;
import dev.espalier.data.wordnet.BuiltinTasks;
import dev.espalier.error.InputException;
import dev.espalier.route.SentenceEncoder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Finds texts of the kind that an adapter was trained on. */
final class LibrarySamples {
    private LibrarySamples() {}

    /**
     * @param folder of the adapter
     * @param recipe of the run that made it
     * @param file that the user gives in place of the run's data
     * @param count texts at most
     * @return none where nothing is known
     */
    static List<String> of(Path folder, Optional<Path> recipe, Optional<Path> file, int count) {
        if (file.isPresent()) {
            return spread(List.of(texts(file.get())), count);
        }
        if (recipe.isPresent()) {
            var tasks = RecipeRun.tasks(Recipes.read(recipe.get(), List.of()));
            return spread(tasks.stream().map(task -> texts(task.train())).toList(), count);
        }
        return spread(builtin(folder), count);
    }

    private static List<List<String>> builtin(Path folder) {
        try (var saved = AdapterFolder.open(folder)) {
            return saved.card().heads().stream()
                    .filter(head -> BuiltinTasks.names().contains(head.task()))
                    .map(LibrarySamples::builtin)
                    .toList();
        }
    }

    private static List<String> builtin(SavedHead head) {
        var task = TaskSpec.builtin(head.task()).withKind(head.kind());
        return texts(TaskLoader.load(task, Path.of("")).train());
    }

    private static List<String> texts(Path file) {
        var name = String.valueOf(file.getFileName());
        if (!Files.exists(file)) {
            throw new InputException("There is no file " + file + ".");
        }
        if (name.matches(".*\\.(csv|tsv|parquet)(\\.gz)?")) {
            return texts(TaskLoader.load(TaskSpec.file("samples", file.toString()), Path.of(""))
                    .train());
        }
        try (var lines = Files.newBufferedReader(file)) {
            var texts = texts(PredictionInput.read(lines, file.toString(), Columns.GUESSED, TaskKind.SINGLE_LABEL)
                    .toList());
            if (texts.isEmpty()) {
                throw new InputException(file + " is empty; give a text a line.");
            }
            return texts;
        } catch (IOException | UncheckedIOException e) {
            throw new InputException(file + " cannot be read as UTF-8 text: " + e.getMessage() + ".", e);
        }
    }

    private static List<String> texts(List<Example> examples) {
        return examples.stream()
                .map(example -> SentenceEncoder.text(example.input()))
                .toList();
    }

    /** Of each list its share of {@code count}, evenly spread. */
    private static List<String> spread(List<List<String>> lists, int count) {
        var chosen = new ArrayList<String>();
        for (int list = 0; list < lists.size(); list++) {
            var texts = lists.get(list);
            int share = Math.min(texts.size(), count * (list + 1) / lists.size() - count * list / lists.size());
            IntStream.range(0, share)
                    .map(i -> (int) ((long) i * texts.size() / share))
                    .mapToObj(texts::get)
                    .forEach(chosen::add);
        }
        return chosen;
    }
}
