package dev.espalier.data.wordnet;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.util.List;
import java.util.stream.Stream;

/** The tasks that need no file of the user's. */
public final class BuiltinTasks {
    private static final List<BuiltinTask> ALL = Stream.of(
                    EntryTasks.all(),
                    PairTasks.all(),
                    ContextTasks.all(),
                    ChoiceTasks.all(),
                    GenerationTasks.all(),
                    LanguageToolTasks.all())
            .flatMap(List::stream)
            .toList();

    private BuiltinTasks() {}

    public static List<BuiltinTask> all() {
        return ALL;
    }

    /**
     * Names in the order of {@link #all()}: WordNet's classifications, choices and generations, then the tasks that
     * fetch LanguageTool's rules on first use.
     */
    public static List<String> names() {
        return ALL.stream().map(BuiltinTask::name).toList();
    }

    /** @throws InputException if there is no such task; it says the nearest names */
    public static BuiltinTask find(String name) {
        return ALL.stream()
                .filter(task -> task.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new InputException("There is no built-in task '" + name + "'; the nearest are "
                        + String.join(", ", Nearest.to(name, names(), 3)) + "."));
    }
}
