package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.Sensitivities;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AllocationReportTest {
    private final Map<String, Integer> counts = new LinkedHashMap<>();
    private final Map<String, Double> values = new LinkedHashMap<>();

    private String page() {
        counts.put("h.0.attn.q", 4);
        counts.put("h.0.attn.v", 0);
        counts.put("h.1.attn.q", 1);
        values.put("h.0.attn.q", 200.0);
        values.put("h.0.attn.v", 0.0);
        values.put("h.1.attn.q", 2.0);
        return AllocationReport.html(
                "Experts <1>",
                new Allocation(counts),
                "experts",
                List.of("5 experts & more."),
                Optional.of(new Sensitivities(Map.of("one", values))));
    }

    @Test
    void everyMatrixIsACellShadedByItsCount() {
        assertThat(page())
                .contains("<title>Experts &lt;1&gt;</title>", "5 experts &amp; more.")
                .containsPattern(
                        "h.0.attn.q: 4 experts</title>\\s*<rect class=\"cell\"[^>]*/><rect class=\"heat\"[^>]*fill-opacity=\"1\"/>")
                .containsPattern(
                        "h.0.attn.v: 0 experts</title>\\s*<rect class=\"cell\"[^>]*/><rect class=\"heat\"[^>]*fill-opacity=\"0\"/>")
                .containsPattern(
                        "h.1.attn.q: 1 experts</title>\\s*<rect class=\"cell\"[^>]*/><rect class=\"heat\"[^>]*fill-opacity=\"0.25\"/>")
                .contains("no such matrix", ">layer 0<", ">layer 1<", ">total<");
    }

    @Test
    void sensitivitiesArePalerByAQuarterForEachPowerOfTen() {
        assertThat(page())
                .containsPattern(
                        "one, h.0.attn.q: 200\\.?</title>\\s*<rect class=\"cell\"[^>]*/><rect class=\"heat\"[^>]*fill-opacity=\"1\"/>")
                .containsPattern(
                        "one, h.1.attn.q: 2.00</title>\\s*<rect class=\"cell\"[^>]*/><rect class=\"heat\"[^>]*fill-opacity=\"0.5\"/>")
                .containsPattern(
                        "one, h.0.attn.v: 0.00</title>\\s*<rect class=\"cell\"[^>]*/><rect class=\"heat\"[^>]*fill-opacity=\"0\"/>");
    }
}
