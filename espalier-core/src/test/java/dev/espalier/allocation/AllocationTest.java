package dev.espalier.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AllocationTest {
    @TempDir
    private Path folder;

    @Test
    void aFileKeepsOrderAndZeros() throws IOException {
        var allocation = read("{'b': 2, 'a': 0, 'c': 3}");

        assertThat(allocation.modules()).containsExactly("b", "a", "c");
        assertThat(allocation.chosen()).containsExactly("b", "c");
        assertThat(allocation.total()).isEqualTo(5);
        assertThat(allocation.largest()).isEqualTo(3);
        assertThat(allocation.json())
                .isEqualTo("{\n  \"b\" : 2,\n  \"a\" : 0,\n  \"c\" : 3\n}\n".replace("\n", System.lineSeparator()));
        assertThat(read(allocation.json())).isEqualTo(allocation);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'a': -1} | FILE, module 'a': -1 is not a whole number from 0 up.",
                "{'a': 1.5} | FILE, module 'a': 1.5 is not a whole number from 0 up.",
                "{'a': 99999999999} | FILE, module 'a': 99999999999 is not a whole number from 0 up.",
                "{'a': {'b': 1}} | FILE, module 'a': {\"b\":1} is not a whole number from 0 up.",
                "{} | FILE is not {module: experts}; it names no module.",
                "{'a': 1 | FILE:1:8: Unexpected end-of-input: expected close marker for Object",
            })
    void wrongFilesAreRefusedInASentence(String json, String sentence) {
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(InputException.class)
                .hasMessage(sentence.replace("FILE", folder.resolve("a.json").toString()));
    }

    @Test
    void anAllocationForAnotherModelNamesTheFirstModuleThatDiffers() throws IOException {
        var allocation = read("{'x.0.q': 1, 'x.1.q': 2}");

        allocation.requireFor(List.of("x.1.q", "x.0.q"));
        assertThatThrownBy(() -> allocation.requireFor(List.of("x.0.q")))
                .isInstanceOf(InputException.class)
                .hasMessage(
                        "The allocation is for another model: it names 'x.1.q', which is not among the 1 matrices here.");
        assertThatThrownBy(() -> allocation.requireFor(List.of("x.0.q", "x.1.q", "x.2.q", "x.3.q")))
                .isInstanceOf(InputException.class)
                .hasMessage(
                        "The allocation is for another model: it does not name 'x.2.q'; list every matrix, those that get nothing with 0.");
        assertThatThrownBy(() -> allocation.count("x.2.q")).isInstanceOf(InputException.class);
    }

    private Allocation read(String json) throws IOException {
        return Allocation.read(Files.writeString(folder.resolve("a.json"), json.replace('\'', '"')));
    }
}
