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

/** The README's example is code that compiles, and short. */
class ReadmeTest {
    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @Test
    void theExampleCompilesAndHasAtMostTwentyLines(@TempDir Path classes) throws IOException {
        var readme = JAVA.matcher(Files.readString(Path.of("..", "README.md")));
        assertThat(readme.find()).isTrue();
        var code = readme.group(1);
        assertThat(code.lines().filter(line -> !line.isBlank())).hasSizeLessThanOrEqualTo(20);
        var source = new SimpleJavaFileObject(URI.create("string:///Demo.java"), JavaFileObject.Kind.SOURCE) {
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
