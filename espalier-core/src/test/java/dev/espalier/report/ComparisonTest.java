package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.evaluate.Interval;
import dev.espalier.evaluate.Metric;
import dev.espalier.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComparisonTest {
    @TempDir
    private Path folder;

    private static Contender contender(String name, long weights, double... accuracies) {
        return new Contender(
                name,
                OptionalInt.of(16),
                IntStream.range(0, accuracies.length)
                        .mapToObj(seed -> run(name, seed, weights, Map.of("topic", accuracies[seed])))
                        .toList());
    }

    private static Contender.Run run(String name, int seed, long weights, Map<String, Double> accuracies) {
        var tests = accuracies.entrySet().stream()
                .map(task -> new RunHistory.Test(10, task.getKey(), metrics(task.getValue()), List.of(), List.of()))
                .toList();
        var train = List.of(
                new RunHistory.Train(5, 1, 1, 1, 1, 100, 500 + 10 * seed),
                new RunHistory.Train(10, 2, 1, 1, 1, 100, 600 + 10 * seed));
        var summary = new RunHistory.Summary(
                "lora", weights + 64, weights, 60 + seed, 50, 5000, 100, 700 + 10 * seed, 10, 10);
        return new Contender.Run(
                seed,
                new RunHistory(name + "-" + seed, train, List.of(), List.of(), tests, Optional.of(summary)),
                4 * weights + 1000);
    }

    private static Map<String, Double> metrics(double accuracy) {
        return Map.of(
                "loss", 1.0, "accuracy", accuracy, "accuracy_low", accuracy - 0.1, "accuracy_high", accuracy + 0.1);
    }

    private static Comparison comparison(Contender... contenders) {
        return new Comparison(
                Map.of("topic", Metric.ACCURACY), List.of(contenders), contenders[0], OptionalDouble.empty());
    }

    private static Comparison threeSeeds() {
        return comparison(contender("lora", 100_000, 0.70, 0.74, 0.75), contender("sira", 1_000_000, 0.73, 0.75, 0.79));
    }

    @Test
    void resultsAreMeansOverSeedsAndDifferencesArePaired() {
        var comparison = threeSeeds();
        var sira = comparison.contenders().get(1);

        // 4.3027 is Student's quantile with two degrees of freedom.
        var score = comparison.score(comparison.baseline());
        assertThat(score.value()).isEqualTo(0.73, within(1e-12));
        assertThat(score.interval().high() - 0.73).isEqualTo(4.302653 * Math.sqrt(0.0007 / 3), within(1e-6));
        var difference = comparison.difference(sira).orElseThrow();
        assertThat(difference.value()).isEqualTo(0.08 / 3, within(1e-12));
        assertThat(difference.interval().low())
                .isEqualTo(0.08 / 3 - 4.302653 * Math.sqrt(0.00046666667 / 2 / 3), within(1e-6));
        assertThat(comparison.difference(comparison.baseline())).isEmpty();
    }

    @Test
    void intervalsEndWhereTheMetricDoes() {
        var comparison = comparison(contender("lora", 1000, 0.2, 0.9), contender("sira", 1000, 0.9, 0.3));
        var sira = comparison.contenders().get(1);

        assertThat(comparison.score(comparison.baseline()).interval()).isEqualTo(new Interval(0, 1));
        assertThat(comparison.score(sira, "topic").interval()).isEqualTo(new Interval(0, 1));
        assertThat(comparison.difference(sira).orElseThrow().interval()).isEqualTo(new Interval(-1, 1));
        assertThat(comparison.note()).contains("cut where the metric ends");
        assertThat(ComparisonReport.html("Methods", comparison))
                .contains(">1.0</text>")
                .doesNotContain(">1.5</text>");
    }

    @Test
    void ofUnlikeMetricsTheMeanOfTheirRangesCounts() {
        var metrics = List.of(Metric.ACCURACY, Metric.MATTHEWS);
        assertThat(Metric.rangeOfMean(metrics)).isEqualTo(new Interval(-0.5, 1));
        assertThat(Metric.rangeOfMean(List.of(Metric.MSE, Metric.PERPLEXITY)))
                .isEqualTo(new Interval(0.5, Double.POSITIVE_INFINITY));
    }

    @Test
    void withOneSeedTheIntervalIsTheTestSplits() {
        var comparison = comparison(contender("lora", 100_000, 0.70), contender("sira", 1_000_000, 0.73));
        var sira = comparison.contenders().get(1);

        assertThat(comparison.score(sira).interval().low()).isEqualTo(0.63, within(1e-12));
        var difference = comparison.difference(sira).orElseThrow();
        assertThat(difference.value()).isEqualTo(0.03, within(1e-12));
        assertThat(difference.interval().high()).isEqualTo(0.03 + Math.sqrt(0.02), within(1e-12));
        assertThat(comparison.note()).startsWith("One seed");
    }

    @Test
    void ofSeveralTasksTheMeanCounts() {
        Map<String, Metric> metrics = new LinkedHashMap<>();
        metrics.put("topic", Metric.ACCURACY);
        metrics.put("verb", Metric.ACCURACY);
        var one = new Contender(
                "lora", OptionalInt.empty(), List.of(run("lora", 0, 1000, Map.of("topic", 0.5, "verb", 0.75))));

        var comparison = new Comparison(metrics, List.of(one), one, OptionalDouble.empty());

        var score = comparison.score(one);
        assertThat(score.value()).isEqualTo(0.625, within(1e-12));
        assertThat(score.interval().low()).isEqualTo(0.625 - 0.1 / Math.sqrt(2), within(1e-12));
        assertThat(ComparisonTable.of(comparison).columns())
                .extracting(TextTable.Column::header)
                .containsSequence("topic accuracy", "verb accuracy", "mean [95 %]");
    }

    @Test
    void theTableHasARowForEachMethod() {
        assertThat(ComparisonTable.of(threeSeeds()).rows())
                .containsExactly(
                        List.of(
                                "lora",
                                "lora",
                                "16",
                                "100,064",
                                "100,000",
                                "0.730 [0.664, 0.796]",
                                "–",
                                "1 min 01 s",
                                "720 MB",
                                "0.4 MB"),
                        List.of(
                                "sira",
                                "lora",
                                "16",
                                "1,000,064",
                                "1,000,000",
                                "0.757 [0.681, 0.833]",
                                "+0.027 [-0.011, +0.065]",
                                "1 min 01 s",
                                "720 MB",
                                "4.0 MB"));
    }

    @Test
    void runsOverTheMemoryLimitAreMarked() {
        var lora = contender("lora", 1000, 0.7, 0.8);
        var sira = contender("sira", 1000, 0.7, 0.9);
        var comparison =
                new Comparison(Map.of("topic", Metric.ACCURACY), List.of(lora, sira), lora, OptionalDouble.of(705));

        assertThat(ComparisonTable.of(comparison).rows())
                .extracting(row -> row.get(8))
                .containsExactly("> 710 MB", "> 710 MB");
        assertThat(sira.runs()).filteredOn(comparison::isOverMemory).hasSize(1);
        assertThat(comparison.note()).endsWith("Marked by >: a run took more than 705 MB.");
    }

    @Test
    void theFilesHoldWhatTheTableShows() throws IOException {
        ComparisonFiles.write(folder, threeSeeds());

        var json = Json.read(folder.resolve("comparison.json"));
        assertThat(json.path("tasks").path("topic").stringValue()).isEqualTo("accuracy");
        assertThat(json.path("seeds").toString()).isEqualTo("[0,1,2]");
        var sira = json.path("methods").path(1);
        assertThat(sira.path("difference_mean").doubleValue()).isEqualTo(0.08 / 3, within(1e-12));
        assertThat(json.path("methods").path(0).has("difference_mean")).isFalse();
        assertThat(sira.path("runs").path(2).path("score").doubleValue()).isEqualTo(0.79);
        assertThat(sira.path("runs").path(2).path("average_memory_mb").doubleValue())
                .isEqualTo(570);
        var csv = Files.readAllLines(folder.resolve("comparison.csv"));
        assertThat(csv).hasSize(3);
        assertThat(csv.get(0)).startsWith("name,method,rank,trained_weights,");
        assertThat(csv.get(1)).startsWith("lora,lora,16,100064,100000,0.73").contains(",,,,61.0,720.0,401000.0");
    }

    @Test
    void theDrawingIsAnSvgFileOfItsOwn() throws Exception {
        ComparisonFiles.write(folder, threeSeeds());

        var file = folder.resolve("comparison.svg");
        var factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        var root = factory.newDocumentBuilder().parse(file.toFile()).getDocumentElement();
        assertThat(root.getNamespaceURI()).isEqualTo("http://www.w3.org/2000/svg");
        assertThat(root.getElementsByTagName("circle").getLength()).isEqualTo(4);
        assertThat(Files.readString(file))
                .contains(">lora<", ">sira<", "Test accuracy against trained weights", "--card:")
                .doesNotContain("NaN");
    }

    @Test
    void nothingIsDrawnOfResultsThatAreNotKnown() {
        ComparisonFiles.write(folder, comparison(contender("lora", 1000, Double.NaN, Double.NaN)));

        assertThat(folder.resolve("comparison.svg")).doesNotExist();
    }

    @Test
    void whatIsNotKnownIsLeftOut() throws IOException {
        ComparisonFiles.write(folder, comparison(contender("lora", 1000, Double.NaN, Double.NaN)));

        var method =
                Json.read(folder.resolve("comparison.json")).path("methods").path(0);
        assertThat(method.has("mean")).isFalse();
        assertThat(method.path("runs").path(0).has("score")).isFalse();
        assertThat(ComparisonReport.html("t", comparison(contender("lora", 1000, Double.NaN))))
                .doesNotContain("NaN", "<figure>");
    }

    @Test
    void thePageShowsEveryMethodAgainstItsTrainedWeights() {
        var html = ComparisonReport.html("topic on tiny", threeSeeds());

        assertThat(html)
                .contains("<h1>topic on tiny</h1>", "Test accuracy against trained weights", "Difference to lora");
        var dots = Pattern.compile("<circle class=\"mark c(\\d)\" cx=\"([\\d.]+)\" cy=\"[\\d.]+\" r=\"5\"><title>"
                        + "(\\w+): .* with ([\\d,]+) trained weights")
                .matcher(html)
                .results()
                .toList();
        assertThat(dots).extracting(dot -> dot.group(1) + dot.group(3)).containsExactly("0lora", "1sira");
        assertThat(dots).extracting(dot -> dot.group(4)).containsExactly("100,064", "1,000,064");
        assertThat(Double.parseDouble(dots.get(0).group(2)))
                .isLessThan(Double.parseDouble(dots.get(1).group(2)));
        assertThat(html).contains("lora-0", "sira-2");
    }

    @Test
    void methodsOfEqualWeightsStandSideBySide() {
        var html = ComparisonReport.html(
                "t",
                comparison(
                        contender("a", 1000, 0.7, 0.8),
                        contender("b", 1000, 0.7, 0.8),
                        contender("c", 1001, 0.7, 0.8)));

        var places = Pattern.compile("cx=\"([\\d.]+)\" cy=\"[\\d.]+\" r=\"5\"><title>\\w: .* trained weights")
                .matcher(html)
                .results()
                .map(dot -> Double.parseDouble(dot.group(1)))
                .toList();
        assertThat(places).hasSize(3);
        assertThat(places.get(1) - places.get(0)).isEqualTo(9, within(0.011));
        assertThat(places.get(2) - places.get(1)).isEqualTo(9, within(0.011));
    }
}
