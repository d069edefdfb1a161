package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
    @TempDir
    Path folder;

    @Test
    void writesANewFileAndItsFolders() {
        var file = folder.resolve("a/b/c.txt");
        AtomicFiles.writeString(file, "new");
        assertThat(file).hasContent("new");
    }

    @Test
    void replacesAFile() throws IOException {
        var file = Files.writeString(folder.resolve("c.txt"), "old");
        AtomicFiles.writeString(file, "new");
        assertThat(file).hasContent("new");
        assertThat(entries()).containsExactly(file);
    }

    @Test
    void aDiskThatFillsUpLeavesTheFormerFileAndNoRest() throws IOException {
        var file = Files.writeString(folder.resolve("c.txt"), "old");
        assertThatThrownBy(() -> AtomicFiles.write(file, temporary -> {
                    Files.writeString(temporary, "half of it");
                    throw new IOException("No space left on device");
                }))
                .isInstanceOf(InputException.class)
                .hasMessageMatching("Cannot write .*c.txt: No space left on device \\([0-9,]+ MB free there\\); .*");
        assertThat(file).hasContent("old");
        assertThat(entries()).containsExactly(file);
    }

    @Test
    void aWriterThatFailsOtherwiseLeavesTheFormerFileAndNoRest() throws IOException {
        var file = Files.writeString(folder.resolve("c.txt"), "old");
        assertThatThrownBy(() -> AtomicFiles.write(file, temporary -> {
                    Files.writeString(temporary, "half of it");
                    throw new IllegalStateException("a bug");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(file).hasContent("old");
        assertThat(entries()).containsExactly(file);
    }

    @Test
    void theTemporaryFileIsInTheSameFolder() {
        AtomicFiles.write(folder.resolve("c.txt"), temporary -> {
            assertThat(temporary.getParent()).isEqualTo(folder);
            Files.writeString(temporary, "new");
        });
    }

    @Test
    void aFolderThatIsAFileIsSaid() throws IOException {
        var file = Files.writeString(folder.resolve("f"), "a file");
        assertThatThrownBy(() -> AtomicFiles.writeString(file.resolve("c.txt"), "new"))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("Cannot write " + file.resolve("c.txt"));
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "links need a privilege there")
    void aSymbolicLinkStaysOne() throws IOException {
        var file = Files.writeString(folder.resolve("c.txt"), "old");
        var link = Files.createSymbolicLink(folder.resolve("link"), file);
        AtomicFiles.writeString(link, "new");
        assertThat(link).isSymbolicLink();
        assertThat(file).hasContent("new");
    }

    private List<Path> entries() throws IOException {
        try (var list = Files.list(folder)) {
            return list.toList();
        }
    }
}
