package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.OnEngine;
import dev.espalier.merge.MemoryDeltas;
import dev.espalier.merge.MergeMethods;
import dev.espalier.merge.MergePlan;
import dev.espalier.merge.Merger;
import dev.espalier.tensor.Scope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OnEngine.class)
class MergingReportTest {
    private static final String QUERY = "layer.0.query";
    private static final String VALUE = "layer.0.value";

    /** The first adapter changes half of one matrix, the second all of it and a quarter of another. */
    private static Merger merged() {
        var first = MemoryDeltas.dense("one <1>", Map.of(QUERY + ".weight", changed(2)));
        var values = new LinkedHashMap<String, Tensor>();
        values.put(QUERY + ".weight", changed(4));
        values.put(VALUE + ".weight", changed(1));
        var merger = new Merger(
                List.of(first, MemoryDeltas.dense("two", values)),
                MergePlan.of(MergeMethods.of("task-arithmetic")).withWeights(List.of(0.5, 0.25)));
        merger.shapes().keySet().forEach(merger::delta);
        return merger;
    }

    /** {@code [4, 4]} with so many columns that are not 0. */
    private static Tensor changed(int columns) {
        var values = torch.zeros(4, 4);
        values.narrow(1, 0, columns).fill_(new Scalar(1));
        return values;
    }

    @Test
    @SuppressWarnings("try") // the scope works by being open
    void everyAdaptersKeptWeightsAreShadedOnOneScaleByLayerAndMatrix() {
        try (var scope = Scope.open()) {
            var page = MergingReport.html("Merge", merged(), List.of(), Map.of());
            assertThat(page).contains("<figcaption>one &lt;1&gt;</figcaption>", "<figcaption>two</figcaption>");
            var one = page.substring(page.indexOf("<figcaption>one"), page.indexOf("<figcaption>two"));
            var two = page.substring(page.indexOf("<figcaption>two"), page.indexOf("Sign conflicts by layer"));
            assertThat(one)
                    .containsPattern(cell(QUERY, "50.0", "0.5"))
                    .contains("<title>" + VALUE + ": not changed</title>");
            assertThat(two).containsPattern(cell(QUERY, "100.0", "1")).containsPattern(cell(VALUE, "25.0", "0.25"));
        }
    }

    private static String cell(String module, String text, String shade) {
        return "<title>" + module + "</title>[^>]*<rect[^>]*/><rect[^>]*fill-opacity=\"" + shade + "\"/><text[^>]*>"
                + text + "</text>";
    }

    @Test
    @SuppressWarnings("try") // the scope works by being open
    void theTableOfTheTerminalStandsOnThePage() {
        try (var scope = Scope.open()) {
            var merger = merged();
            assertThat(MergingTable.of(merger).rows())
                    .containsExactly(
                            List.of("one <1>", "full", "1", "0.50", "56 %", "50 %", "0 %"),
                            List.of("two", "full", "2", "0.25", "44 %", "63 %", "0 %"));
            assertThat(MergingReport.html("Merge", merger, List.of("Two & two."), Map.of()))
                    .contains("Two &amp; two.", ">norm share</th>", ">one &lt;1&gt;</td>", ">56 %</td>", ">63 %</td>")
                    .doesNotContain("swatch b");
        }
    }
}
