package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStreamWriter;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TaskLoaderTest {
    private static final String SNIPS = "snips_intent.jsonl";

    @TempDir
    Path folder;

    private static Path resources() {
        try {
            var snips = Objects.requireNonNull(TaskLoaderTest.class.getResource("/data/" + SNIPS));
            return Path.of(snips.toURI()).resolveSibling("");
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private TaskData load(String file, String content) throws IOException {
        Files.writeString(folder.resolve(file), content);
        return TaskLoader.load(TaskSpec.file("x", file), folder);
    }

    private static List<Input> inputs(List<Example> examples) {
        return examples.stream().map(Example::input).toList();
    }

    private static List<Target> targets(List<Example> examples) {
        return examples.stream().map(Example::target).toList();
    }

    @Test
    void aFileWithASplitColumnIsATask() {
        var task = TaskLoader.load(TaskSpec.file("intent", SNIPS), resources());
        assertThat(task.name()).isEqualTo("intent");
        assertThat(task.kind()).isEqualTo(TaskKind.SINGLE_LABEL);
        assertThat(task.train()).hasSize(160);
        assertThat(task.validation()).isEmpty();
        assertThat(task.test()).hasSize(40);
        assertThat(task.outputs()).isEqualTo(7);
        assertThat(task.labels().names())
                .containsExactly(
                        "AddToPlaylist",
                        "BookRestaurant",
                        "GetWeather",
                        "PlayMusic",
                        "RateBook",
                        "SearchCreativeWork",
                        "SearchScreeningEvent");
        var first = task.train().get(0);
        assertThat(first.input()).isEqualTo(new Input.Text("Add Scarred to my This Is Zezé Di Camargo & Luciano"));
        assertThat(first.target()).isEqualTo(new Target.Label("AddToPlaylist"));
        assertThat(first.origin()).hasToString(resources().resolve(SNIPS) + ", row 1");
        assertThat(task.test().get(0).origin().row()).isEqualTo(161);
    }

    @Test
    void everyFormatGivesTheSameTask() throws IOException, SQLException {
        var expected = TaskLoader.load(TaskSpec.file("x", SNIPS), resources());
        try (var database = DriverManager.getConnection("jdbc:duckdb:");
                var statement = database.createStatement()) {
            var rows = "(from '" + resources().resolve(SNIPS) + "')";
            statement.execute("copy " + rows + " to '" + folder.resolve("x.csv") + "'");
            statement.execute("copy " + rows + " to '" + folder.resolve("x.tsv") + "' (format csv, delimiter '\t')");
            statement.execute("copy " + rows + " to '" + folder.resolve("x.parquet") + "'");
            statement.execute("copy " + rows + " to '" + folder.resolve("x.json") + "' (array true)");
        }
        try (var packed = new OutputStreamWriter(
                new GZIPOutputStream(Files.newOutputStream(folder.resolve("x.jsonl.gz"))), StandardCharsets.UTF_8)) {
            packed.write(Files.readString(resources().resolve(SNIPS)));
        }
        for (var ending : List.of("csv", "tsv", "parquet", "json", "jsonl.gz")) {
            var task = TaskLoader.load(TaskSpec.file("x", "x." + ending), folder);
            assertThat(inputs(task.train())).as(ending).isEqualTo(inputs(expected.train()));
            assertThat(targets(task.test())).as(ending).isEqualTo(targets(expected.test()));
        }
    }

    @Test
    void aQueryReadsLocalFilesFromTheTasksFolder() {
        var sql = "select input as text, output as label, split from '" + SNIPS + "' where output like 'S%';";
        var task = TaskLoader.load(TaskSpec.sql("search", sql), resources());
        assertThat(task.labels().names()).containsExactly("SearchCreativeWork", "SearchScreeningEvent");
        assertThat(task.train()).isNotEmpty();
        assertThat(task.test()).isNotEmpty();
    }

    @Test
    void aBuiltInTaskComesWithDescribedLabels() {
        var task = TaskLoader.load(TaskSpec.builtin("noun-supersense").withFractions(0.1, 0), folder);
        assertThat(task.name()).isEqualTo("noun-supersense");
        assertThat(task.train()).hasSize(3600);
        assertThat(task.validation()).hasSize(400);
        assertThat(task.test()).hasSize(500);
        assertThat(task.labels().names()).hasSize(24).allMatch(task.labelDescriptions()::containsKey);
    }

    @Test
    void aFilePerSplitIgnoresSplitColumns() {
        var files = Map.of(Split.TRAIN, SNIPS, Split.VALIDATION, SNIPS);
        var task = TaskLoader.load(TaskSpec.files("x", files), resources());
        assertThat(task.train()).hasSize(200);
        assertThat(inputs(task.validation())).isEqualTo(inputs(task.train()));
        assertThat(task.test()).isEmpty();
    }

    @Test
    void validationIsDrawnFromTrainingRowsBySeed() {
        var spec = TaskSpec.file("x", SNIPS).withFractions(0.1, 0);
        var task = TaskLoader.load(spec, resources());
        var whole = TaskLoader.load(TaskSpec.file("x", SNIPS), resources());
        assertThat(task.validation()).hasSize(16);
        assertThat(task.train()).hasSize(144).doesNotContainAnyElementsOf(task.validation());
        assertThat(whole.train()).containsAll(task.train()).containsAll(task.validation());
        assertThat(task.test()).isEqualTo(whole.test());
        assertThat(TaskLoader.load(spec, resources()).validation()).isEqualTo(task.validation());
        assertThat(TaskLoader.load(spec.withSeed(1), resources()).validation()).isNotEqualTo(task.validation());
    }

    @Test
    void aLimitTakesRowsOfEverySplitButNoLabels() {
        var task = TaskLoader.load(TaskSpec.file("x", SNIPS).withLimit(5), resources());
        assertThat(task.train()).hasSize(5);
        assertThat(task.test()).hasSize(5);
        assertThat(task.labels().size()).isEqualTo(7);
    }

    @Test
    void textsAndLabelsStayAsTheyStandInTheFile() throws IOException {
        var task = load("x.jsonl", """
                {"text": "2024-01-02", "label": 10}
                {"text": "2024-01-03", "label": 2}
                """);
        assertThat(inputs(task.train())).containsExactly(new Input.Text("2024-01-02"), new Input.Text("2024-01-03"));
        assertThat(task.labels().names()).containsExactly("2", "10");
        var mixed = load("y.jsonl", "{\"text\": 1, \"label\": 1}\n{\"text\": \"a\", \"label\": \"b\"}\n");
        assertThat(targets(mixed.train())).containsExactly(new Target.Label("1"), new Target.Label("b"));
        var sql = TaskSpec.sql("z", "from 'y.jsonl'");
        assertThat(targets(TaskLoader.load(sql, folder).train())).isEqualTo(targets(mixed.train()));
    }

    @Test
    void quotedCsvMayHoldSeparatorsQuotesAndLineBreaks() throws IOException {
        var task = load("x.csv", "\uFEFF\"text\",label\r\n\"a, \"\"b\"\"\",x\r\n\"two\nlines\",y\r\n");
        assertThat(inputs(task.train())).containsExactly(new Input.Text("a, \"b\""), new Input.Text("two\nlines"));
    }

    @Test
    void pairsNumbersAndSeveralLabelsAreReadAsWhatTheyAre() throws IOException {
        var pairs = load("x.jsonl", "{\"sentence1\": \"a\", \"sentence2\": \"b\", \"score\": 4.5}\n");
        assertThat(pairs.kind()).isEqualTo(TaskKind.REGRESSION);
        assertThat(pairs.outputs()).isEqualTo(1);
        assertThat(inputs(pairs.train())).containsExactly(new Input.Pair("a", "b"));
        assertThat(targets(pairs.train())).containsExactly(new Target.Value(4.5));

        var several =
                load("x.jsonl", "{\"text\": \"a\", \"labels\": [\"q\", \"p\"]}\n{\"text\": \"b\", \"labels\": []}\n");
        assertThat(several.kind()).isEqualTo(TaskKind.MULTI_LABEL);
        assertThat(several.labels().names()).containsExactly("p", "q");
        assertThat(targets(several.train()))
                .containsExactly(new Target.Labels(List.of("q", "p")), new Target.Labels(List.of()));
        var csv = load("x.csv", ",text,labels\n0,a,q; p\n1,b,\n");
        assertThat(csv.labels().names()).containsExactly("q; p");
        var separated = TaskSpec.file("x", "x.csv").withLabelSeparator(";");
        assertThat(targets(TaskLoader.load(separated, folder).train())).isEqualTo(targets(several.train()));

        var number = TaskSpec.file("x", "y.csv").withKind(TaskKind.REGRESSION);
        Files.writeString(folder.resolve("y.csv"), "text,label\na,-1e3\n");
        assertThat(targets(TaskLoader.load(number, folder).train())).containsExactly(new Target.Value(-1000));
    }

    @Test
    void aLabelPerWordComesFromListsOrTexts() throws IOException {
        var lists = load("x.jsonl", "{\"tokens\": [\"Zezé\", \"sings\"], \"ner_tags\": [1, 0]}\n");
        assertThat(lists.kind()).isEqualTo(TaskKind.TOKEN_LABELS);
        assertThat(inputs(lists.train())).containsExactly(new Input.Words(List.of("Zezé", "sings")));
        assertThat(lists.labels().names()).containsExactly("0", "1");
        var texts = load("x.csv", "words,tags\nZezé sings,1 0\n");
        assertThat(inputs(texts.train())).isEqualTo(inputs(lists.train()));
        assertThat(targets(texts.train())).isEqualTo(targets(lists.train()));
    }

    @Test
    void fileNamesMayLookLikePatterns() throws IOException {
        var task = load("a[1]'s.csv", "text,label\na,x\nb,y\n");
        assertThat(task.train()).hasSize(2);
        assertThat(task.train().get(1).origin().row()).isEqualTo(2);
    }

    @Test
    void readingLeavesNoFiles() throws IOException {
        load("x.csv", "text,label\na,x\nb,y\n");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(folder.resolve("x.csv"));
        }
        assertThat(Path.of(".tmp")).doesNotExist();
    }
}
