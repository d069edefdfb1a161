package dev.espalier.data.languagetool;

import dev.espalier.checkpoint.MavenArtifact;
import dev.espalier.error.InputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import javax.xml.stream.XMLStreamException;

/** Texts of LanguageTool's English rules, in the order of its files; none of its code runs. */
public final class LanguageTool {
    private static final String FOLDER = "org/languagetool/";

    private final List<Correction> corrections;
    private final List<Replacement> spellings;
    private final List<Replacement> plainEnglish;

    private LanguageTool(List<Correction> corrections, List<Replacement> spellings, List<Replacement> plainEnglish) {
        this.corrections = corrections;
        this.spellings = spellings;
        this.plainEnglish = plainEnglish;
    }

    /**
     * Reads {@code org.languagetool:language-en:6.8} (LGPL), fetched through Maven on first use. Takes about a second.
     *
     * @throws InputException if the jar cannot be fetched or read
     */
    public static LanguageTool load() {
        return read(MavenArtifact.jar("org.languagetool", "language-en", "6.8"));
    }

    static LanguageTool read(Path jar) {
        try (var files = new ZipFile(jar.toFile())) {
            return new LanguageTool(
                    corrections(files),
                    replacements(files, "resource/en/en-US-GB.txt", ";"),
                    replacements(files, "rules/en/wordiness.txt", "="));
        } catch (IOException | XMLStreamException e) {
            throw new InputException(
                    "The jar " + jar + " is not LanguageTool's English rules (" + e.getMessage()
                            + "): delete it, and it is fetched again.",
                    e);
        }
    }

    /** Sentences with an error. */
    public List<Correction> corrections() {
        return corrections;
    }

    /** Words as spelled in the United States, and the same words as spelled in Great Britain. */
    public List<Replacement> spellings() {
        return spellings;
    }

    /** Wordy phrases, and shorter ones that say the same. */
    public List<Replacement> plainEnglish() {
        return plainEnglish;
    }

    private static List<Correction> corrections(ZipFile files) throws IOException, XMLStreamException {
        try (var grammar = open(files, "rules/en/grammar.xml")) {
            return List.copyOf(GrammarExamples.read(grammar));
        }
    }

    private static List<Replacement> replacements(ZipFile files, String name, String separator) throws IOException {
        try (var in = open(files, name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .flatMap(line -> replacement(line, separator).stream())
                    .toList();
        }
    }

    /** The first of {@code from=to|to} that is a text and no advice such as {@code [OMIT]}. */
    private static Optional<Replacement> replacement(String line, String separator) {
        var sides = line.split(separator, 2);
        var alternatives = sides.length < 2 ? Stream.<String>empty() : Arrays.stream(sides[1].split("\\|"));
        return alternatives
                .map(String::strip)
                .filter(to -> !to.isEmpty() && !to.contains("["))
                .findFirst()
                .map(to -> new Replacement(sides[0].strip(), to));
    }

    private static InputStream open(ZipFile files, String name) throws IOException {
        var entry = files.getEntry(FOLDER + name);
        if (entry == null) {
            throw new IOException("it has no " + FOLDER + name);
        }
        return files.getInputStream(entry);
    }
}
