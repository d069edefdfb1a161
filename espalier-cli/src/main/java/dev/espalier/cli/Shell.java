package dev.espalier.cli;

import java.nio.file.Path;

/** Commands that a user can copy. */
final class Shell {
    private Shell() {}

    /** How the user called this program: the launcher says it. */
    static String program() {
        return System.getProperty("espalier.program", "espalier");
    }

    /** The path as one word of a shell. */
    static String quote(Path path) {
        var text = path.toString();
        return text.matches("[\\w./:\\\\@%+=-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
    }
}
