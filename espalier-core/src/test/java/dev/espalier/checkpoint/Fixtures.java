package dev.espalier.checkpoint;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;

final class Fixtures {
    private Fixtures() {}

    static Path path(String name) {
        try {
            var resource = Fixtures.class.getResource("/fixtures/" + name);
            return Path.of(Objects.requireNonNull(resource, name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
