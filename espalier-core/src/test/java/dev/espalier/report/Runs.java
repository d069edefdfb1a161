package dev.espalier.report;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** Run folders as the demo leaves them. */
final class Runs {
    private Runs() {}

    static RunHistory sira() {
        return named("sira-e16-k4-r4");
    }

    static List<RunHistory> demo() {
        return List.of(named("lora-r16"), named("lora-r72"), sira());
    }

    private static RunHistory named(String name) {
        try {
            return RunHistory.read(Path.of(Objects.requireNonNull(Runs.class.getResource("/runs/" + name), name)
                    .toURI()));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
