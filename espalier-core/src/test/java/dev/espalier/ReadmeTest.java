package dev.espalier;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The examples of README and guides are code that compiles; the README's is short. */
class ReadmeTest {
    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    /** What the fragments of a guide leave out. */
    private static final String IMPORTS = """
            import dev.espalier.adapter.Mixtures;
            import dev.espalier.adapter.ResidentAdapters;
            import dev.espalier.allocation.Grouping;
            import dev.espalier.allocation.PercentileRule;
            import dev.espalier.data.TaskSpec;
            import dev.espalier.generate.Generator;
            import dev.espalier.generate.Prompt;
            import dev.espalier.generate.SamplingOptions;
            import dev.espalier.generate.StopTokens;
            import dev.espalier.model.auto.AutoModel;
            import dev.espalier.text.TextTokenizer;
            import dev.espalier.train.ProbeOptions;
            import dev.espalier.train.SensitivityProbe;
            import dev.espalier.train.Trainer;
            import dev.espalier.train.Training;
            import dev.espalier.train.TrainingGroup;
            import java.nio.file.Path;
            import java.util.List;
            import java.util.Optional;
            import org.bytedeco.pytorch.global.torch.ScalarType;
            """;

    @Test
    void theExampleCompilesAndHasAtMostTwentyLines(@TempDir Path classes) throws IOException {
        var readme = JAVA.matcher(Files.readString(Path.of("..", "README.md")));
        assertThat(readme.find()).isTrue();
        var code = readme.group(1);
        assertThat(code.lines().filter(line -> !line.isBlank())).hasSizeLessThanOrEqualTo(20);
        compile("Demo", code, classes);
    }

    @ParameterizedTest
    @CsvSource({"generation.md, 3", "allocation.md, 1", "side-by-side.md, 1"})
    void theExamplesOfTheGuidesCompile(String guide, int count, @TempDir Path classes) throws IOException {
        var examples = JAVA.matcher(Files.readString(Path.of("..", "docs", guide)))
                .results()
                .map(block -> block.group(1))
                .toList();
        assertThat(examples).hasSize(count);
        for (var example : examples) {
            compile("Guide", IMPORTS + "class Guide { void example() {\n" + example + "} }", classes);
        }
    }

    private static void compile(String name, String code, Path classes) {
        var source = new SimpleJavaFileObject(URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return code;
            }
        };
        var messages = new StringWriter();
        var options = List.of("-d", classes.toString(), "-cp", System.getProperty("java.class.path"), "-proc:none");
        boolean compiled = ToolProvider.getSystemJavaCompiler()
                .getTask(messages, null, null, options, null, List.of(source))
                .call();
        assertThat(compiled).as(messages.toString()).isTrue();
    }
}
