package dev.espalier.data.wordnet;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What a study of merges finds without the user's files. */
class StudyTasksOfWordNetTest {
    @Test
    void thereAreTwentyFiveTasksThatNeitherWriteTextsNorFetchLanguageTool() {
        var languageTool =
                LanguageToolTasks.all().stream().map(BuiltinTask::name).toList();
        assertThat(BuiltinTasks.all())
                .filteredOn(task -> task.kind() != TaskKind.GENERATION)
                .filteredOn(task -> !languageTool.contains(task.name()))
                .hasSizeGreaterThanOrEqualTo(25);
    }

    @Test
    void everyLabelIsDescribedByALineOfItsOwn() {
        assertThat(BuiltinTasks.all())
                .filteredOn(task -> task.kind() == TaskKind.CLASSIFICATION)
                .allSatisfy(task -> assertThat(task.labelDescriptions().values())
                        .hasSizeGreaterThan(1)
                        .doesNotHaveDuplicates()
                        .allMatch(line -> !line.isBlank() && !line.contains("\n")));
    }
}
