package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong with a user's data is said in one sentence, with file and row. */
class TaskLoaderErrorsTest {
    @TempDir
    Path folder;

    private AbstractThrowableAssert<?, ? extends Throwable> loading(TaskSpec spec) {
        return assertThatThrownBy(() -> TaskLoader.load(spec, folder)).isInstanceOf(InputException.class);
    }

    private AbstractThrowableAssert<?, ? extends Throwable> loading(String file, String content) throws IOException {
        Files.writeString(folder.resolve(file), content);
        return loading(TaskSpec.file("x", file));
    }

    private String path(String file) {
        return folder.resolve(file).toString();
    }

    @Test
    void missingFile() {
        loading(TaskSpec.file("x", "x.csv")).hasMessage("No such data file: " + path("x.csv") + ".");
    }

    @Test
    void emptyFile() throws IOException {
        for (var file : new String[] {"x.jsonl", "x.json", "x.csv", "x.tsv"}) {
            loading(file, "").hasMessage(path(file) + " is empty; it needs at least one row.");
        }
        loading("x.csv", "text,label\n").hasMessage(path("x.csv") + " has no rows; give it at least one.");
        loading("x.jsonl", "\n\n").hasMessage(path("x.jsonl") + " has no rows; give it at least one.");
    }

    @Test
    void unknownFormat() throws IOException {
        loading("x.xlsx", "a").hasMessageStartingWith(path("x.xlsx") + " has no format known by its name");
    }

    @Test
    void fileOfAnotherFormat() throws IOException {
        loading("x.parquet", "no parquet")
                .hasMessageStartingWith(path("x.parquet") + ": ")
                .hasMessageNotContaining("\n");
        loading("x.json", "[{\"text\": ]")
                .hasMessageStartingWith(path("x.json") + ": ")
                .hasMessageNotContaining("\n");
        loading("x.csv.gz", "no gzip").hasMessageStartingWith("Cannot read " + path("x.csv.gz"));
    }

    @Test
    void missingColumn() throws IOException {
        loading("x.csv", "body,tag\na,b\n")
                .hasMessage(path("x.csv") + " has no column for text (input, text, sentence, sentence1); its columns"
                        + " are body, tag; name the right one with columns.text.");
        loading("x.csv", "text,tag\na,b\n").hasMessageContaining("no column for label (output, label, score)");
        var named = new Columns("body", null, "class", null, null, null);
        Files.writeString(folder.resolve("x.csv"), "body,tag\na,b\n");
        loading(TaskSpec.file("x", "x.csv").withColumns(named))
                .hasMessage(path("x.csv")
                        + " has no column 'class', which columns.label names; its columns are body, tag.");
    }

    @Test
    void labelThatIsNotInTraining() throws IOException {
        Files.writeString(folder.resolve("train.csv"), "text,label\na,spam\nb,ham\n");
        Files.writeString(folder.resolve("test.csv"), "text,label\na,spam\nb,hamm\n");
        loading(TaskSpec.files("x", Map.of(Split.TRAIN, "train.csv", Split.TEST, "test.csv")))
                .hasMessage(path("test.csv") + ", row 2: label 'hamm' is not among the 2 labels of the training split"
                        + " (nearest: 'ham'); correct it, or add rows with it to the training split.");
    }

    @Test
    void textThatIsNotUtf8() throws IOException {
        Files.write(folder.resolve("x.csv"), "text,label\na,x\ncaf\u00e9,y\n".getBytes(StandardCharsets.ISO_8859_1));
        loading(TaskSpec.file("x", "x.csv"))
                .hasMessage(path("x.csv") + ", line 3 (byte 18): not UTF-8 text; save the file as UTF-8.");
        Files.write(folder.resolve("x.jsonl"), "{\"text\": \"caf\u00e9\"}\n".getBytes(StandardCharsets.ISO_8859_1));
        loading(TaskSpec.file("x", "x.jsonl")).hasMessageContaining(path("x.jsonl") + ", line 1 (byte 13): not UTF-8");
        var cut = "a,b\n1,\u00e9".getBytes(StandardCharsets.UTF_8);
        Files.write(folder.resolve("x.tsv"), java.util.Arrays.copyOf(cut, cut.length - 1));
        loading(TaskSpec.file("x", "x.tsv")).hasMessageContaining("line 2 (byte 6): not UTF-8");
    }

    @Test
    void emptyTextOrLabel() throws IOException {
        loading("x.csv", "text,label\na,x\n,y\n")
                .hasMessage(path("x.csv") + ", row 2: column 'text' is empty; fill it in, or remove the row.");
        loading("x.jsonl", "{\"text\": \"a\", \"label\": \"  \"}\n")
                .hasMessage(path("x.jsonl") + ", row 1: column 'label' is empty; fill it in, or remove the row.");
        loading("x.jsonl", "{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\"}\n")
                .hasMessageContaining("row 2: column 'label' is empty");
        loading("x.jsonl", "{\"text\": \"a\", \"labels\": [\"x\", null]}\n")
                .hasMessageContaining("row 1: column 'labels' is empty");
    }

    @Test
    void lineThatIsNotJson() throws IOException {
        loading("x.jsonl", "{\"text\": \"a\", \"label\": \"x\"}\n\n{\"text\": \"b\",,}\n")
                .hasMessageStartingWith(path("x.jsonl") + ", line 3: not JSON: ")
                .hasMessageNotContaining("\n");
        loading("x.jsonl", "{\"text\": \"a\", \"label\": \"x\"}\n[1]\n")
                .hasMessageStartingWith(path("x.jsonl") + ", line 2: expected a JSON object");
    }

    @Test
    void csvRowOfAnotherLength() throws IOException {
        loading("x.csv", "text,label\na,x\nb,y,z\n")
                .hasMessage(path("x.csv") + ", line 3: Expected Number of Columns: 2 Found: 3.");
        loading("x.csv", "text,label\na,x\n\"b,y\nc,z\n")
                .hasMessage(path("x.csv") + ", line 3: Value with unterminated quote found.");
        loading("x.csv", "text,label,text\na,x,b\n")
                .hasMessage(path("x.csv") + " has two columns named 'text'; rename one in its first line.");
    }

    @Test
    void numberThatIsNone() throws IOException {
        Files.writeString(folder.resolve("x.csv"), "text,label\na,1.5\nb,many\n");
        loading(TaskSpec.file("x", "x.csv").withKind(TaskKind.REGRESSION))
                .hasMessage(path("x.csv") + ", row 2: column 'label' is 'many', which is not a number.");
        Files.writeString(folder.resolve("x.csv"), "text,label\na,NaN\n");
        loading(TaskSpec.file("x", "x.csv").withKind(TaskKind.REGRESSION))
                .hasMessageContaining("row 1: column 'label' is 'NaN', which is not a number");
    }

    @Test
    void wordsAndLabelsOfUnlikeLength() throws IOException {
        loading("x.jsonl", "{\"words\": [\"a\", \"b\"], \"labels\": [\"O\"]}\n")
                .hasMessage(path("x.jsonl") + ", row 1: column 'labels' has 1 labels for 2 words.");
    }

    @Test
    void listWhereATextIsExpected() throws IOException {
        Files.writeString(folder.resolve("x.jsonl"), "{\"text\": [\"a\"], \"label\": \"x\"}\n");
        loading(TaskSpec.file("x", "x.jsonl"))
                .hasMessage(path("x.jsonl") + ", row 1: column 'text' holds a list; expected one text.");
    }

    @Test
    void splitThatIsNone() throws IOException {
        loading("x.csv", "text,label,split\na,x,train\nb,y,exam\n")
                .hasMessage(path("x.csv") + ", row 2: column 'split' is 'exam'; expected train, validation or test.");
        loading("x.csv", "text,label,split\na,x,test\n")
                .hasMessage("Task 'x' has no row for training; its split must say train.");
    }

    @Test
    void tooLittleToTrainOn() throws IOException {
        loading("x.csv", "text,label\na,x\nb,x\n")
                .hasMessage("Task 'x' has too few labels in its training split: [x]; there must be 2 at least.");
        Files.writeString(folder.resolve("x.csv"), "text,label\na,x\nb,y\n");
        loading(TaskSpec.file("x", "x.csv").withFractions(0.9, 0))
                .hasMessage("Task 'x' has 2 training rows, too few to hold out 0.9 of them.");
    }

    @Test
    void wrongQueryAndNoDownloadOfExtensions() {
        loading(TaskSpec.sql("x", "from 'nosuch.parquet'"))
                .hasMessageStartingWith("sql of task 'x': ")
                .hasMessageContaining("nosuch.parquet")
                .hasMessageNotContaining("\n");
        loading(TaskSpec.sql("x", "from 'https://localhost:1/x.parquet'"))
                .hasMessageContaining("requires the extension httpfs");
    }

    @Test
    void builtInTaskThatIsUnknown() {
        loading(TaskSpec.builtin("noun-supersens")).hasMessageContaining("noun-supersense");
    }
}
