package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.evaluate.Estimate;
import dev.espalier.evaluate.Interval;
import dev.espalier.json.Json;
import dev.espalier.report.MergeCurves.Curve;
import dev.espalier.report.MergeCurves.Draw;
import dev.espalier.report.MergeCurves.Point;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MergeCurvesTest {
    private static final Interval RANGE = new Interval(0, 1);
    private static final Draw FIRST = new Draw(Map.of("a", of(0.5), "b", of(0.7)), Map.of("x", of(0.2)));
    private static final Draw SECOND = new Draw(Map.of("a", of(0.5), "c", of(0.9)), Map.of("x", of(0.4)));
    private static final Draw ALL = new Draw(Map.of("a", of(0.3), "b", of(0.6), "c", of(0.6)), Map.of("x", of(0.3)));

    @TempDir
    Path folder;

    private static Estimate of(double value) {
        return new Estimate(value, new Interval(value - 0.1, value + 0.1));
    }

    private static Curve curve(String kind, String method, boolean merged) {
        return new Curve(
                Optional.of(kind),
                method,
                merged,
                List.of(new Point(2, RANGE, List.of(FIRST, SECOND)), new Point(3, RANGE, List.of(ALL))));
    }

    private static MergeCurves curves() {
        var bare = new Draw(Map.of("a", of(0.1)), Map.of("x", of(0.2)));
        return new MergeCurves(
                "accuracy",
                List.of(2, 3),
                List.of(
                        new Curve(
                                Optional.empty(),
                                "bare model",
                                false,
                                List.of(new Point(2, RANGE, List.of(bare, bare)), new Point(3, RANGE, List.of(bare)))),
                        curve("lora", "ties", true),
                        curve("sparse <0.1>", "ties", true),
                        curve("sparse <0.1>", "average", true),
                        new Curve(
                                Optional.of("lora"),
                                "each its own",
                                false,
                                List.of(new Point(2, RANGE, List.of(new Draw(Map.of("a", of(1)), Map.of())))))));
    }

    @Test
    void severalDrawsHaveStudentsIntervalAndOneThatOfItsRows() {
        var point = new Point(2, RANGE, List.of(FIRST, SECOND));
        assertThat(point.heldIn()).isEqualTo(Estimate.ofMean(0.6, 0.7).within(RANGE));
        assertThat(point.heldOut()).contains(Estimate.ofMean(0.2, 0.4).within(RANGE));

        assertThat(point.heldIn().interval().low()).isCloseTo(0.65 - 12.7062 * 0.05, within(1e-4));
        assertThat(point.heldIn().interval().high()).as("cut").isEqualTo(1);

        var one = new Point(3, RANGE, List.of(ALL)).heldIn();
        assertThat(one.value()).isCloseTo(0.5, within(1e-12));
        // Of three independent means with half-width 0.1: 0.1 / sqrt(3).
        assertThat(one.interval().high()).isCloseTo(0.5 + 0.1 / Math.sqrt(3), within(1e-12));

        var same = new Point(2, RANGE, List.of(FIRST, FIRST));
        assertThat(same.heldIn())
                .as("the same scores twice are one draw")
                .isEqualTo(new Point(2, RANGE, List.of(FIRST)).heldIn());
        assertThat(new Point(1, RANGE, List.of(new Draw(Map.of("a", of(1)), Map.of()))).heldOut())
                .isEmpty();
    }

    @Test
    void theTableHasARowForEachCurve() {
        assertThat(curves().table().toString().lines())
                .anyMatch(line -> line.matches("experts +method +held in 2 +held in 3 +held out 2 +held out 3"))
                .anyMatch(line -> line.matches("– +bare model +0\\.100 \\[0\\.000, 0\\.200] .*"))
                .anyMatch(line -> line.matches("lora +each its own +1\\.000 \\[0\\.900, 1\\.000] +– +– +–"));
    }

    @Test
    void filesHaveEveryDraw() throws IOException {
        MergeCurvesFiles.write(folder, curves());
        var json = Json.read(folder.resolve(MergeCurvesFiles.JSON));
        var point = json.path("curves").path(1).path("points").path(0);
        assertThat(point.path("draws").path(1).path("held_in").path("c").asDouble())
                .isEqualTo(0.9);
        assertThat(point.path("held_in").path("mean").asDouble()).isCloseTo(0.65, within(1e-12));
        assertThat(json.path("curves").path(0).has("experts")).isFalse();
        assertThat(Files.readAllLines(folder.resolve(MergeCurvesFiles.CSV)))
                .hasSize(1 + 4 * 2 + 1)
                .anyMatch(line -> line.startsWith("lora,ties,true,2,2,0.6"))
                .contains("lora,each its own,false,2,1,1.0,0.9,1.0,,,");
    }

    @Test
    void thePageDrawsCurvesByKindAndByMethod() {
        var html = MergeCurvesReport.html("Merges", "A note.", curves());
        assertThat(html)
                .contains(
                        "A note.",
                        "Experts: lora",
                        "Experts: sparse &lt;0.1&gt;",
                        "Merged by ties",
                        "Mean accuracy on tasks held out",
                        "adapters merged")
                .doesNotContain("Merged by average", "NaN", "<0.1>");
        assertThat(html).isEqualTo(MergeCurvesReport.html("Merges", "A note.", curves()));
    }
}
