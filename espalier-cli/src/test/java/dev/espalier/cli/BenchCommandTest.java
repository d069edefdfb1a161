package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.json.Json;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the benchmarks say of small shapes; how long anything takes is not looked at. */
class BenchCommandTest {
    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return Main.execute(arguments, new PrintWriter(out), new PrintWriter(err));
    }

    @Test
    void aProfileStandsBesideTheWorkOfItsParts() {
        var json = folder.resolve("bench.json");
        assertThat(run(
                        "bench",
                        "--batch",
                        "2",
                        "--tokens",
                        "8",
                        "--steps",
                        "1",
                        "--profile",
                        "--json",
                        json.toString()))
                .as(err.toString())
                .isZero();
        assertThat(out.toString()).contains("frozen linears", "head and loss", "waiting for other workers");
        var result = Json.read(json);
        // Two for a multiply-add: six layers of 12 * 384 * 384, of the last of which only keys and values see all
        // tokens.
        double square = 384.0 * 384;
        double forward = 2 * (5 * 12 * square + 2 * square + 10 * square / 8);
        assertThat(result.path("flops_per_token").path("linears_forward").doubleValue())
                .isEqualTo(forward);
        assertThat(result.path("flops_per_token").path("linears_backward").doubleValue())
                .isEqualTo(forward - 2 * 3 * square);
        assertThat(result.path("profile").path("parts").size()).isGreaterThan(5);
        assertThat(result.path("profile").path("steps").asInt()).isEqualTo(1);
    }

    @Test
    void answersAreMeasuredBesideAndMerged() {
        var json = folder.resolve("answers.json");
        assertThat(run(
                        "bench",
                        "inference",
                        "--batch",
                        "2",
                        "--tokens",
                        "8",
                        "--repeats",
                        "1",
                        "--json",
                        json.toString()))
                .as(err.toString())
                .isZero();
        assertThat(out.toString()).contains("bare model", "adapter beside the weights", "adapter merged");
        assertThat(Json.read(json)).hasSize(3);
        // Which experts a token gets is known when it comes, so a mixture has no merged form.
        assertThat(run(
                        "bench",
                        "inference",
                        "--method",
                        "mola",
                        "--batch",
                        "2",
                        "--tokens",
                        "8",
                        "--repeats",
                        "1",
                        "--json",
                        json.toString()))
                .as(err.toString())
                .isZero();
        assertThat(Json.read(json)).hasSize(2);
    }
}
