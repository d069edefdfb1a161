package dev.espalier.data.wordnet;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.checkpoint.EspalierHome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A task whose rows come out of a public source; {@link BuiltinTasks} lists them. */
public final class BuiltinTask {
    /** Part of the names of WordNet's files: another number whenever a change makes any such task's bytes differ. */
    private static final String WORDNET_VERSION = "wn31-1";

    /** The same for LanguageTool's. */
    private static final String LANGUAGE_TOOL_VERSION = "lt68-1";

    private static final Logger LOG = LoggerFactory.getLogger(BuiltinTask.class);

    /** Makes every row that the task could have, in an order that depends on the sources and {@code random} alone. */
    @FunctionalInterface
    interface Pool {
        List<Row> rows(Sources sources, Random random);
    }

    private final String name;
    private final TaskKind kind;
    private final String description;
    private final Map<String, String> labelDescriptions;
    private final int rowsPerLabel;
    private final Pool pool;
    private final String version;

    private BuiltinTask(
            String name,
            TaskKind kind,
            String description,
            Map<String, String> labelDescriptions,
            int rowsPerLabel,
            Pool pool,
            String version) {
        this.name = name;
        this.kind = kind;
        this.description = description;
        this.labelDescriptions = labelDescriptions;
        this.rowsPerLabel = rowsPerLabel;
        this.pool = pool;
        this.version = version;
    }

    static BuiltinTask classification(String name, String description, Map<String, String> labels, Pool pool) {
        return ofWordNet(name, TaskKind.CLASSIFICATION, description, labels, pool);
    }

    static BuiltinTask choice(String name, String description, Pool pool) {
        return ofWordNet(name, TaskKind.CHOICE, description, Map.of(), pool);
    }

    static BuiltinTask generation(String name, String description, Pool pool) {
        return ofWordNet(name, TaskKind.GENERATION, description, Map.of(), pool);
    }

    private static BuiltinTask ofWordNet(
            String name, TaskKind kind, String description, Map<String, String> labels, Pool pool) {
        return new BuiltinTask(name, kind, description, labels, Split.MAX_ROWS_PER_LABEL, pool, WORDNET_VERSION);
    }

    BuiltinTask withRowsPerLabel(int rows) {
        return new BuiltinTask(name, kind, description, labelDescriptions, rows, pool, version);
    }

    /** The same task as one whose rows come out of LanguageTool, which its description says. */
    BuiltinTask ofLanguageTool() {
        return new BuiltinTask(
                name,
                kind,
                description + " (fetches LanguageTool's rules, a jar under the LGPL, on first use)",
                labelDescriptions,
                rowsPerLabel,
                pool,
                LANGUAGE_TOOL_VERSION);
    }

    /** Name in recipes, such as {@code noun-supersense}. */
    public String name() {
        return name;
    }

    public TaskKind kind() {
        return kind;
    }

    /** What goes in and what is asked, in one line. */
    public String description() {
        return description;
    }

    /** Every label and what it means, one line each, in a fixed order; empty unless the task is a classification. */
    public Map<String, String> labelDescriptions() {
        return labelDescriptions;
    }

    /**
     * The task's rows as JSON Lines: {@code {"split": "train" or "test", "input": text, "output": text}}, and in a
     * choice task {@code "candidates"}, four texts with the output among them. Made on first use, which takes a few
     * seconds, under {@link EspalierHome}; the same seed gives the same bytes everywhere. Processes that make the same
     * file at the same time do no harm.
     *
     * @throws dev.espalier.error.InputException if the file cannot be written, or what it is made from not be fetched
     */
    public Path file(long seed) {
        return file(EspalierHome.directory().resolve("tasks"), seed);
    }

    /** As {@link #file(long)}, in a folder of the caller's choice. */
    public Path file(Path folder, long seed) {
        return file(folder, seed, new Sources());
    }

    Path file(Path folder, long seed, Sources sources) {
        var file = folder.resolve(name + "-" + version + "-seed" + seed + ".jsonl");
        if (!Files.exists(file)) {
            LOG.info("Making the rows of {} in {}", name, file);
            var split = split(seed, sources);
            AtomicFiles.write(file, temporary -> TaskFile.write(temporary, split));
        }
        return file;
    }

    Split split(long seed, Sources sources) {
        // java.util.Random: its whole sequence is part of Java's specification, unlike those of newer generators.
        var random = new Random(31 * seed + name.hashCode());
        return Split.of(pool.rows(sources, random), rowsPerLabel, random);
    }

    @Override
    public String toString() {
        return name;
    }
}
