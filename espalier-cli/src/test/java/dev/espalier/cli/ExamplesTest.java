package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.cli.recipe.Recipes;
import dev.espalier.data.wordnet.BuiltinTasks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExamplesTest {
    private static final Path EXAMPLES = Path.of("..", "examples");

    static List<Path> recipes() throws IOException {
        try (var files = Files.list(EXAMPLES)) {
            return files.filter(file -> file.toString().endsWith(".yaml")).toList();
        }
    }

    @ParameterizedTest
    @MethodSource("recipes")
    void everyExampleIsARecipeOfTasksThatExist(Path recipe) {
        assertThat(Recipes.read(recipe, List.of()).tasks()).isNotEmpty().allSatisfy(task -> {
            if (task.builtin() != null) {
                assertThat(BuiltinTasks.find(task.builtin()).name()).isEqualTo(task.builtin());
            } else {
                assertThat(EXAMPLES.resolveSibling(String.valueOf(task.file()))).isRegularFile();
            }
        });
    }

    @Test
    void oneExampleTrainsThreeTasksAtOnce() {
        assertThat(Recipes.read(EXAMPLES.resolve("multi-task.yaml"), List.of()).tasks())
                .extracting(task -> task.builtin())
                .containsExactly("noun-supersense", "verb-supersense", "topic");
    }
}
