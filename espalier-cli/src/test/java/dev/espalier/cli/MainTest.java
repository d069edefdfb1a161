package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.cli.recipe.Recipes;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void withoutACommandTheHelpListsEveryCommand() {
        assertThat(run()).isZero();
        assertThat(out.toString()).contains(Main.commandLine().getSubcommands().keySet());
        assertThat(err.toString()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("commands")
    void everyCommandHasHelpWithAnExample(String command) {
        assertThat(run(command, "--help")).isZero();
        assertThat(out.toString()).startsWith("Usage: espalier " + command).contains("Example");
    }

    static List<String> commands() {
        return List.copyOf(Main.commandLine().getSubcommands().keySet());
    }

    @Test
    void theVersionIsTheBuilds() {
        assertThat(run("--version")).isZero();
        assertThat(out.toString()).matches("(?s)Espalier \\d+\\.\\d+.*libtorch 2\\..* for .*Java .*");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "inspekt | espalier: there is no command 'inspekt'; did you mean 'inspect'? See espalier --help.",
                "recipe --tmplate=lora | espalier: there is no option '--tmplate=lora'; did you mean '--template'? See espalier recipe --help.",
                "inspect | espalier: WHAT is missing. See espalier inspect --help.",
                "inspect a b | espalier: 'b' is one argument too many. See espalier inspect --help.",
                "recipe | espalier: give one of --template and RECIPE.yaml. See espalier recipe --help.",
                "evaluate runs --split dev | espalier: Invalid value for option '--split': 'dev' is none of train, validation, test; did you mean 'test'? See espalier evaluate --help.",
                "bench --batch x | espalier: Invalid value for option '--batch': 'x' is not a whole number. See espalier bench --help.",
                "bench --all-linear --attention | espalier: --all-linear and --attention say different things; give one of them.",
                "bench --shape minlm | espalier: Unknown shape 'minlm'. Did you mean 'minilm'? Known are minilm, bert-base, smollm2-135m, qwen2.5-0.5b.",
                "predict runs a --input b | espalier: There are texts and --input b; give one of them.",
                "recipe --template lroa | espalier: Unknown method 'lroa'; did you mean 'lora'?",
            })
    void wrongInputIsOneSentenceAndExitCode2(String arguments, String sentence) {
        assertThat(run(arguments.split(" "))).isEqualTo(2);
        assertThat(err.toString()).isEqualTo(sentence + System.lineSeparator());
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void aFaultOfOursIsExitCode1AndNamesWhereItHappened() {
        var commandLine = new CommandLine(new Broken()).setErr(new PrintWriter(err));
        commandLine.setExecutionExceptionHandler(new Failures());

        assertThat(commandLine.execute()).isEqualTo(1);
        assertThat(err.toString())
                .contains("java.lang.IllegalStateException: no such thing")
                .contains("MainTest.java")
                .contains("--verbose")
                .hasLineCount(1);
    }

    @Test
    void theTemplateOnTheTerminalIsARecipe(@TempDir Path folder) throws Exception {
        assertThat(run("recipe", "--template", "sira")).isZero();
        var file = Files.writeString(folder.resolve("sira.yaml"), out.toString());

        out.getBuffer().setLength(0);
        assertThat(run("recipe", file.toString(), "--set", "adapter.experts=8")).isZero();

        assertThat(out.toString())
                .isEqualTo(Recipes.resolved(Recipes.read(file, List.of("adapter.experts=8"))))
                .contains("experts: 8");
    }

    @Test
    void completionIsAScriptForTheShell() {
        assertThat(run("completion")).isZero();
        assertThat(out.toString())
                .startsWith("#!/usr/bin/env bash")
                .contains("inspect")
                .contains("--template");
    }

    private int run(String... arguments) {
        return Main.execute(arguments, new PrintWriter(out), new PrintWriter(err));
    }

    @CommandLine.Command(name = "broken")
    private static final class Broken implements Runnable {
        @Override
        public void run() {
            throw new IllegalStateException("no such thing");
        }
    }
}
