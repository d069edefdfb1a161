package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.cli.recipe.Recipes;
import dev.espalier.cli.recipe.StudyRecipes;
import dev.espalier.data.wordnet.BuiltinTasks;
import dev.espalier.data.wordnet.TaskKind;
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
            return files.filter(file -> file.toString().endsWith(".yaml") && !isStudy(file))
                    .toList();
        }
    }

    private static boolean isStudy(Path file) {
        return file.getFileName().toString().startsWith("study");
    }

    @Test
    void theStudyIsOfTwentyTasksAndFiveOthersAndHasATinyOne() {
        var study = StudyRecipes.read(EXAMPLES.resolve("study.yaml"), List.of());
        assertThat(study.heldIn()).hasSize(20);
        assertThat(study.heldOut()).hasSize(5);
        assertThat(study.tasks())
                .allSatisfy(task -> assertThat(BuiltinTasks.find(String.valueOf(task.builtin()))
                                .kind())
                        .isNotEqualTo(TaskKind.GENERATION))
                .allMatch(task -> task.limit() == 1000 && task.validationFraction() == 0.1);
        assertThat(study.plan().counts()).containsExactly(2, 5, 10, 20);
        assertThat(study.experts())
                .allSatisfy(kind -> assertThat(study.merges(kind)).isNotEmpty());
        assertThat(StudyRecipes.read(EXAMPLES.resolve("study-tiny.yaml"), List.of())
                        .heldIn())
                .hasSize(3);
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
