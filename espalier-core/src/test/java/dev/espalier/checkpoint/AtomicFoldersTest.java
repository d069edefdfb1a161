package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFoldersTest {
    @TempDir
    private Path temporary;

    private Path target;

    @BeforeEach
    void writeTheFormerFolder() {
        target = temporary.resolve("parent/folder");
        AtomicFolders.write(target, folder -> Files.writeString(folder.resolve("former"), "1"));
    }

    @Test
    void newContentReplacesAllOfTheFormer() throws IOException {
        AtomicFolders.write(target, folder -> Files.writeString(folder.resolve("new"), "2"));
        assertThat(target.resolve("new")).hasContent("2");
        assertThat(names(target)).containsExactly("new");
        assertThat(names(temporary.resolve("parent"))).containsExactly("folder");
    }

    @Test
    void formerFolderSurvivesAWriterThatFails() throws IOException {
        assertThatThrownBy(() -> AtomicFolders.write(target, folder -> {
                    Files.writeString(folder.resolve("half"), "2");
                    throw new IOException("No space left on device");
                }))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("No space left on device");
        assertThat(names(target)).containsExactly("former");
        assertThat(names(temporary.resolve("parent"))).containsExactly("folder");
    }

    @Test
    void formerFolderComesBackWhenTheProcessDiedBetweenTheRenames() throws IOException {
        Files.move(target, target.resolveSibling("folder.former"));
        AtomicFolders.recover(target);
        assertThat(names(target)).containsExactly("former");
    }

    @Test
    void aFileIsNotReplacedByAFolder() throws IOException {
        var file = Files.writeString(temporary.resolve("file"), "1");
        assertThatThrownBy(() -> AtomicFolders.write(file, folder -> {})).isInstanceOf(InputException.class);
        assertThat(file).hasContent("1");
    }

    private static List<String> names(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(path -> String.valueOf(path.getFileName())).toList();
        }
    }
}
