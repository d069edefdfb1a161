package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.evaluate.Estimate;
import dev.espalier.evaluate.Interval;
import dev.espalier.report.RunHistory.Router;
import dev.espalier.report.RunHistory.Summary;
import dev.espalier.report.RunHistory.Train;
import dev.espalier.report.RunHistory.Validation;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class ReportTest {
    private static final String EVIL = "<script>alert(\"1\" & '2')</script>";

    @TempDir
    private Path folder;

    /** The page is written so that an XML parser, which forgives nothing, reads it too. */
    private static Document parse(String page) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(page)));
    }

    private static List<String> texts(Document page, String xpath) throws Exception {
        var nodes = (NodeList) XPathFactory.newInstance().newXPath().evaluate(xpath, page, XPathConstants.NODESET);
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            texts.add(nodes.item(i).getTextContent().strip());
        }
        return texts;
    }

    @Test
    void thePageNeedsNothingFromOutside() {
        var page = Report.html("Demo", Runs.demo());
        assertThat(page).doesNotContain("http", "src=", "@import", "<script", "<link", "href");
        assertThat(page.replace("url(#", "")).doesNotContain("url(");
    }

    @Test
    void threeRunsHaveTableCurvesRoutersAndMatrices() throws Exception {
        var page = parse(Report.html("Demo", Runs.demo()));
        assertThat(texts(page, "//h1")).containsExactly("Demo");
        assertThat(texts(page, "//h2"))
                .containsExactly(
                        "Runs",
                        "Curves",
                        "Routers of sira-e16-k4-r4",
                        "Router load over time of sira-e16-k4-r4",
                        "Confusion of lora-r16 on noun-supersense",
                        "Confusion of lora-r72 on noun-supersense",
                        "Confusion of sira-e16-k4-r4 on noun-supersense");
        assertThat(texts(page, "//section[1]//tbody/tr/td[1]"))
                .containsExactly("lora-r16", "lora-r72", "sira-e16-k4-r4");
        assertThat(texts(page, "//section[1]//*[contains(@class,'whisker')]")).hasSize(3);
        assertThat(texts(page, "//section[2]//figure[1]//*[contains(@class,'faint')]"))
                .hasSize(3);
        assertThat(texts(page, "//section[2]//figure[1]//*[contains(@class,'curve line')]"))
                .hasSize(3);
        assertThat(texts(page, "//section[2]//figure[1]//*[contains(@class,'dashed')]"))
                .hasSize(3);
        assertThat(texts(page, "//section[2]//figure[2]//*[local-name()='circle']"))
                .hasSize(45);
        assertThat(texts(page, "//section[2]//figure[2]//li"))
                .containsExactly("lora-r16", "lora-r72", "sira-e16-k4-r4");
    }

    @Test
    void everyProjectionsRoutersHaveAHeatmapOfLayersAndExperts() throws Exception {
        var run = Runs.sira();
        var page = parse(Report.html("Demo", List.of(run)));
        assertThat(texts(page, "//section[3]//figcaption"))
                .startsWith("attention.self.query", "attention.self.value")
                .hasSize(4);
        var cells = texts(page, "//section[3]//figure[1]//*[local-name()='g']/*[local-name()='title']");
        assertThat(cells).hasSize(6 * 16);
        var first = run.lastRouters().get("encoder.layer.0.attention.self.query");
        assertThat(cells.get(0))
                .isEqualTo("layer 0, attention.self.query, expert 0: "
                        + Figures.percent(
                                first == null ? Double.NaN : first.load().get(0)) + " of choices");
        assertThat(texts(page, "//section[3]//figure[1]//*[@class='note']"))
                .hasSize(12)
                .contains(Figures.percent(first == null ? Double.NaN : first.dropped()));
    }

    @Test
    void loadIsShownAtEveryValidationByModule() throws Exception {
        var line =
                "{\"kind\":\"router\",\"step\":%d,\"module\":\"h.%d.q\",\"load\":[%s],\"dropped\":0,\"entropy\":1}\n";
        var lines = line.formatted(1000, 0, "0.25,0.5,0.25")
                + line.formatted(1000, 1, "0.8,0.1,0.1")
                + line.formatted(2000, 0, "0.3,0.3,0.4")
                + line.formatted(2000, 1, "0.7,0.3,0");
        var run = Files.createDirectories(folder.resolve("mola"));
        Files.writeString(run.resolve("metrics.jsonl"), lines);
        var page = parse(Report.html("Demo", List.of(RunHistory.read(run))));

        var section = "//section[h2='Router load over time of mola']";
        assertThat(texts(page, section + "//figcaption"))
                .containsExactly(
                        "Share of the busiest expert, mean over layers",
                        "Share of the least busy expert, mean over layers",
                        "q: busiest expert by step");
        assertThat(texts(page, section + "//figure[3]//*[@class='name']"))
                .containsExactly("1,000", "2,000", "layer 0", "layer 1");
        assertThat(texts(page, section + "//figure[3]//*[starts-with(@class,'count')]"))
                .containsExactly("50", "40", "80", "70");
        assertThat(texts(page, section + "//figure[3]//*[local-name()='title']"))
                .contains("h.1.q, step 2,000: expert 0 with 70.0 % is busiest, expert 2 with 0.0 % least busy");
        assertThat(texts(page, section + "//figure[3]//*[@class='heat']/@fill-opacity"))
                .containsExactly("0.75", "0.6", "1", "1");
    }

    @Test
    void ofManyStepsTheFirstTheLastAndSomeBetweenAreShown() {
        var grids = new StepHeatmaps();
        assertThat(grids.change()).isFalse();
        for (int step = 1; step <= 100; step++) {
            grids.put("h.0.q", step, new Heatmap.Cell("<" + step + ">", 0, ""));
        }
        var figure = grids.figures("rank").get(0).toString();
        assertThat(figure).contains("&lt;1&gt;", "&lt;100&gt;").doesNotContain("&lt;2&gt;");
        assertThat(figure.split("&lt;")).hasSize(15);
    }

    @Test
    void aMatrixShowsCountsAndShadesByRow() throws Exception {
        var confusion = List.of(List.of(3L, 1L, 0L), List.of(0L, 0L, 0L), List.of(0L, 2L, 2L));
        var test = new RunHistory.Test(9, "task", Map.of("accuracy", 0.625), List.of("x", "y", "z"), confusion);
        var run = new RunHistory("run", List.of(), List.of(), List.of(), List.of(test), Optional.empty());
        var page = parse(Report.html("Demo", List.of(run)));
        assertThat(texts(page, "//*[local-name()='text'][contains(@class,'count')]"))
                .containsExactly("3", "1", "2", "2");
        assertThat(texts(page, "//*[@class='heat']/@fill-opacity"))
                .containsExactly("0.75", "0.25", "0", "0", "0", "0", "0", "0.5", "0.5");
        assertThat(texts(page, "//*[@class='note']")).containsExactly("75.0 %", "–", "50.0 %");
        assertThat(texts(page, "//*[local-name()='title']")).contains("z predicted as y: 2 (50.0 % of the row)");
        assertThat(texts(page, "//div[@class='pairs']//tbody/tr/td[1]")).containsExactly("z", "x");
    }

    @Test
    void namesCannotBreakOutOfTheirPlace() throws Exception {
        var test = new RunHistory.Test(
                1,
                EVIL,
                Map.of("accuracy", 1.0, "accuracy_low", 0.5, "accuracy_high", 1.0),
                List.of(EVIL),
                List.of(List.of(1L)));
        var run = new RunHistory(
                EVIL,
                List.of(new Train(1, 1, 1, 1, 1, 1, 1), new Train(2, 1, 0.5, 1, 1, 1, 1)),
                List.of(new Validation(1, EVIL, Map.of("accuracy", 0.5))),
                List.of(
                        new Router(1, EVIL, List.of(0.5, 0.5), 0, 0.5),
                        new Router(1, "a.0." + EVIL, List.of(1.0), 0, 0)),
                List.of(test),
                Optional.of(new Summary(EVIL, 1, 1, 1, 1, 1, 1, 1, 1, 1)));
        var html = Report.html(EVIL, List.of(run, run));
        assertThat(html).doesNotContain("<script", "\"1\" & ");
        var page = parse(html);
        assertThat(texts(page, "//h1")).containsExactly(EVIL);
        assertThat(texts(page, "//section[1]//tbody/tr[1]/td[position() < 3]")).containsExactly(EVIL, EVIL);
    }

    @Test
    void everyTaskHasItsColumnCurveAndMatrix() throws Exception {
        List<RunHistory.Test> tests = new ArrayList<>();
        List<Validation> validations = new ArrayList<>();
        for (var task : List.of("topic", "verb")) {
            validations.add(new Validation(10, task, Map.of("loss", 1.0, "macro_f1", 0.4)));
            validations.add(new Validation(20, task, Map.of("loss", 1.0, "macro_f1", 0.5)));
            tests.add(new RunHistory.Test(20, task, Map.of("macro_f1", 0.5), List.of("a"), List.of(List.of(7L))));
        }
        var run = new RunHistory("run", List.of(), validations, List.of(), tests, Optional.empty());
        var page = parse(Report.html("Demo", List.of(run)));
        assertThat(texts(page, "//th")).contains("topic macro F1", "verb macro F1");
        assertThat(texts(page, "//figcaption"))
                .containsExactly("Validation macro F1: topic", "Validation macro F1: verb");
        assertThat(texts(page, "//h2")).contains("Confusion of run on topic", "Confusion of run on verb");
        var ids = texts(page, "//*[local-name()='clipPath']/@id");
        assertThat(ids).hasSize(2).doesNotHaveDuplicates();
    }

    @Test
    void aRunThatHasJustBegunIsReportedToo() throws Exception {
        var run = new RunHistory("run", List.of(), List.of(), List.of(), List.of(), Optional.empty());
        var page = parse(Report.html("Demo", List.of(run)));
        assertThat(texts(page, "//tbody/tr/td[2]")).containsExactly("not finished");
        assertThat(texts(page, "//figure")).isEmpty();
    }

    @Test
    void ranksThatChangeAreDrawnByModuleAndOverTime() throws Exception {
        var lines = """
                {"kind":"rank","step":4,"module":"bert.encoder.layer.0.attention.self.query","rank":8}
                {"kind":"rank","step":4,"module":"bert.encoder.layer.1.attention.self.query","rank":8}
                {"kind":"rank","step":8,"module":"bert.encoder.layer.0.attention.self.query","rank":3}
                {"kind":"rank","step":8,"module":"bert.encoder.layer.1.attention.self.query","rank":6}
                """;
        var run = Files.createDirectories(folder.resolve("adalora"));
        Files.writeString(run.resolve("metrics.jsonl"), lines);
        var page = parse(Report.html("Demo", List.of(RunHistory.read(run))));
        assertThat(texts(page, "//h2")).contains("Ranks of adalora");
        assertThat(texts(page, "//p")).contains("A rank of 9 in all at step 8.");
        assertThat(texts(page, "//*[local-name()='circle']")).hasSize(2);
        assertThat(texts(page, "//figure[figcaption='attention.self.query: rank by step']//*[local-name()='title']"))
                .containsExactly(
                        "bert.encoder.layer.0.attention.self.query, step 4: rank 8",
                        "bert.encoder.layer.0.attention.self.query, step 8: rank 3",
                        "bert.encoder.layer.1.attention.self.query, step 4: rank 8",
                        "bert.encoder.layer.1.attention.self.query, step 8: rank 6");
    }

    @Test
    void expertsThatAreAlikeAreDrawnOverTimeAndAsMatrices() throws Exception {
        var module = "bert.encoder.layer.%d.attention.self.query";
        var lines = new StringBuilder();
        for (int layer = 0; layer < 10; layer++) {
            for (int step = 4; step <= 8; step += 4) {
                double cosine = layer / 10.0 + step / 1000.0;
                lines.append("{\"kind\":\"similarity\",\"step\":%d,\"module\":\"%s\",\"mean\":%s,"
                        .formatted(step, module.formatted(layer), cosine));
                lines.append("\"cosines\":[[1,%s,\"NaN\"],[%s,1,\"NaN\"],[\"NaN\",\"NaN\",\"NaN\"]]}\n"
                        .formatted(cosine, cosine));
            }
        }
        var run = Files.createDirectories(folder.resolve("mola"));
        Files.writeString(run.resolve("metrics.jsonl"), lines);
        var page = parse(Report.html("Demo", List.of(RunHistory.read(run))));
        assertThat(texts(page, "//h2")).contains("Similarity of the experts of mola");
        assertThat(texts(page, "//*[local-name()='circle']")).hasSize(2);
        // The eight modules whose experts are most alike, the most alike first.
        assertThat(texts(page, "//figcaption"))
                .hasSize(9)
                .contains(module.formatted(9) + ": mean 0.91", module.formatted(2) + ": mean 0.21")
                .noneMatch(caption -> caption.startsWith(module.formatted(1)));
        assertThat(texts(page, "//figure[2]//*[local-name()='title']"))
                .containsExactly(
                        "expert 0",
                        "experts 0 and 1: 0.91",
                        "experts 0 and 2: one of them changes nothing yet",
                        "experts 1 and 0: 0.91",
                        "expert 1",
                        "experts 1 and 2: one of them changes nothing yet",
                        "experts 2 and 0: one of them changes nothing yet",
                        "experts 2 and 1: one of them changes nothing yet",
                        "expert 2");
    }

    @Test
    void whatASparseAdapterKeepsIsShownByLayerAndMatrix() throws Exception {
        var lines = """
                {"kind":"kept","step":8,"module":"bert.encoder.layer.0.attention.self.query","kept":10,"size":200}
                {"kind":"kept","step":8,"module":"bert.encoder.layer.1.attention.self.query","kept":40,"size":200}
                """;
        var run = Files.createDirectories(folder.resolve("sparse"));
        Files.writeString(run.resolve("metrics.jsonl"), lines);
        var page = parse(Report.html("Demo", List.of(RunHistory.read(run))));
        assertThat(texts(page, "//h2")).contains("Kept weights of sparse");
        assertThat(texts(page, "//p")).contains("50 of 400 weights of the adapted matrices are trained, 12.5 %.");
        assertThat(texts(page, "//*[local-name()='text']")).contains("5.0", "20.0", "10", "40");
    }

    /** The columns stay where nothing fills them, and each part of a figure has a row in common with those beside it. */
    @Test
    void aChartAloneIsAsLargeAsOneOfTwo() {
        assertThat(Page.style())
                .containsPattern("\\.pair \\{[^}]*repeat\\(auto-fill,")
                .containsPattern("\\.pair > figure \\{[^}]*grid-row: span 3; grid-template: subgrid")
                .containsPattern("\\.pair > figure > \\.legend \\{ grid-row: 2; }")
                .containsPattern("\\.pair > figure > \\.scroll \\{ grid-row: 3; }");
        var line = new CountChart.Line("one", 0, false, Map.of(1, new Estimate(0.5, new Interval(0.4, 0.6))));
        assertThat(new CountChart("merged", List.of(line)).figure("caption").toString())
                .containsPattern(
                        "(?s)<figure><figcaption>.*<ul class=\"legend\">.*</ul>\\s*<div class=\"scroll\">.*</div>\\s*</figure>");
    }

    @Test
    void aRunWithOneLineOfMetricsShowsAPoint() throws Exception {
        var train = List.of(new Train(10, 1, 2.5, 0, 0, 0, 0));
        var run = new RunHistory("run", train, List.of(), List.of(), List.of(), Optional.empty());
        var page = parse(Report.html("Demo", List.of(run)));
        assertThat(texts(page, "//*[local-name()='circle']")).isNotEmpty().allMatch(text -> text.contains("step 10"));
    }

    @Test
    void aSpikeOfTheRawLossDoesNotFlattenTheCurves() throws Exception {
        List<Train> train = new ArrayList<>();
        for (int step = 1; step <= 200; step++) {
            train.add(new Train(step, 0, step == 50 ? 1000 : 1, 0, 0, 0, 0));
        }
        var run = new RunHistory("run", train, List.of(), List.of(), List.of(), Optional.empty());
        var page = parse(Report.html("Demo", List.of(run)));
        assertThat(texts(page, "//*[local-name()='svg']/*[@class='tick'][@text-anchor='end']"))
                .allMatch(tick -> tick.equals("step") || Double.parseDouble(tick.replace(",", "")) <= 150);
    }

    @Test
    void theFileHoldsThePage() throws IOException {
        var file = folder.resolve(Report.FILE);
        Report.write(file, "Demo", Runs.demo());
        assertThat(Files.readString(file)).isEqualTo(Report.html("Demo", Runs.demo()));
    }
}
