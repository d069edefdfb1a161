package dev.espalier.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SensitivitiesTest {
    @TempDir
    private Path folder;

    @Test
    void aFileIsWrittenAsItWasReadToTheLastBit() throws IOException {
        var fixture = Fixtures.path("allocation/sensitivities.json");
        var read = Sensitivities.read(fixture);
        var copy = Files.writeString(folder.resolve("copy.json"), read.json());

        assertThat(Sensitivities.read(copy)).isEqualTo(read);
        assertThat(read.tasks()).hasSize(6);
        assertThat(read.modules()).hasSize(42);
        assertThat(read.values("task3", List.of("model.layers.2.mlp.up_proj")))
                .containsExactly(Json.read(fixture)
                        .get("task3")
                        .get("model.layers.2.mlp.up_proj")
                        .doubleValue());
    }

    @Test
    void modulesHaveTheOrderOfTheFirstTask() throws IOException {
        var read = read("{'one': {'b': 1, 'a': 2}, 'two': {'a': 3, 'b': 4}}");

        assertThat(read.modules()).containsExactly("b", "a");
        assertThat(read.tasks().get("two")).containsExactly(Map.entry("b", 4.0), Map.entry("a", 3.0));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'one': {'a': NaN}} | Task 'one', module 'a' of FILE: the sensitivity is NaN; it must be a finite number from 0 up, so measure it again.",
                "{'one': {'a': Infinity}} | Task 'one', module 'a' of FILE: the sensitivity is Infinity; it must be a finite number from 0 up, so measure it again.",
                "{'one': {'a': 1, 'b': -0.5}} | Task 'one', module 'b' of FILE: the sensitivity is -0.5; it must be a finite number from 0 up, so measure it again.",
                "{'one': {'a': 'high'}} | FILE, task 'one', module 'a': the sensitivity is \"high\", not a number.",
                "{'one': {'a': null}} | FILE, task 'one', module 'a': the sensitivity is null, not a number.",
                "{'one': {'a': 1}, 'two': {'a': 1, 'b': 2}} | The tasks of FILE are of different models: 'two' has the module 'b', 'one' does not.",
                "{'one': {'a': 1, 'b': 2}, 'two': {'a': 1}} | The tasks of FILE are of different models: 'one' has the module 'b', 'two' does not.",
                "{'one': 3} | FILE, task 'one': 3 is not {module: sensitivity}.",
                "{'one': {}} | Task 'one' has no module in FILE.",
                "{} | There is no task in FILE; give {task: {module: sensitivity}}.",
                "[1] | FILE is not {task: {module: sensitivity}}; its top level is no object.",
            })
    void wrongFilesAreRefusedInASentence(String json, String sentence) {
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(InputException.class)
                .hasMessage(sentence.replace("FILE", folder.resolve("s.json").toString()));
    }

    @Test
    void aModuleThatIsThereTwiceIsRefusedWithItsLine() {
        assertThatThrownBy(() -> read("{'one': {'a': 1,\n'a': 2}}"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("s.json:2:")
                .hasMessageContaining("\"a\"");
    }

    private Sensitivities read(String json) throws IOException {
        return Sensitivities.read(Files.writeString(folder.resolve("s.json"), json.replace('\'', '"')));
    }
}
