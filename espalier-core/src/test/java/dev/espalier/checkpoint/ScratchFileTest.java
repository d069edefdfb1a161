package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScratchFileTest {
    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();

    @TempDir
    Path folder;

    @AfterEach
    void free() {
        scope.close();
        guard.close();
    }

    @Test
    void tensorsComeBackAsTheyWereAndTheFileIsGoneAtTheEnd() {
        var path = folder.resolve("states.tmp");
        try (var file = new ScratchFile(path)) {
            var columns =
                    torch.tensor(new float[] {1, 2.5f, -3, 4, 5, 6}).view(2, 3).t();
            var halves = columns.to(ScalarType.BFloat16);
            file.write(24, columns); // with gaps: written row by row
            file.write(0, halves);
            var wide = torch.zeros(new long[] {5, 2}, new TensorOptions(ScalarType.Float));
            file.read(24, wide.narrow(0, 1, 3));
            assertThat(Fixtures.doubles(wide)).containsExactly(0, 0, 1, 4, 2.5, 5, -3, 6, 0, 0);
            var narrow = torch.zeros(new long[] {3, 2}, new TensorOptions(ScalarType.BFloat16));
            file.read(0, narrow);
            assertThat(narrow.equal(halves)).isTrue();
        }
        assertThat(path).doesNotExist();
    }

    @Test
    void whatAKilledProcessLeftIsNotReadAsThisOnes() throws IOException {
        var path = folder.resolve("states.tmp");
        Files.write(path, new byte[100]);
        try (var file = new ScratchFile(path)) {
            var tensor = torch.zeros(new long[] {2}, new TensorOptions(ScalarType.Float));
            file.write(0, tensor);
            assertThatThrownBy(() -> file.read(4, tensor))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining(path + " ends at byte 8");
        }
    }

    @Test
    void aPlaceThatCannotBeWrittenOrHasNoRoomIsNamed() throws IOException {
        var file = Files.createFile(folder.resolve("file"));
        assertThatThrownBy(() -> new ScratchFile(file.resolve("states.tmp")))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("Cannot write " + file.resolve("states.tmp") + ": ");
        var later = folder.resolve("run/later/states.tmp");
        ScratchFile.requireRoom(later, 1);
        assertThatThrownBy(() -> ScratchFile.requireRoom(later, 1L << 60))
                .isInstanceOf(InputException.class)
                .hasMessageMatching(".*states.tmp would take 1,152,921,504,607 MB, but [\\d,]+ MB are free there; make"
                        + " room, or choose another folder\\.");
    }
}
