package dev.espalier.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Rotary scalings of the kinds that published models have, against the formulas written out pair by pair. */
class RopeTest {
    private static JsonNode example(String name) {
        try (var stream = Objects.requireNonNull(RopeTest.class.getResourceAsStream("/rope/examples.json"))) {
            var all = Json.mapper().readTree(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
            return all.required(name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Rope rope(JsonNode config, int headDim) {
        return new RopeConfig(new ConfigReader(config, "config.json"), headDim).read();
    }

    private static Rope rope(JsonNode model) {
        return rope(model.path("config"), model.path("head_dim").asInt());
    }

    /** Asserts that pair {@code i} turns by {@code frequency(i)} a token in sequences up to {@code longest}. */
    private static void assertFrequencies(Rope rope, int longest, int pairs, IntToDoubleFunction frequency) {
        var actual = rope.frequencies(longest);
        assertThat(actual).hasSize(pairs);
        for (int i = 0; i < pairs; i++) {
            double expected = frequency.applyAsDouble(i);
            assertThat(actual[i]).as("pair %s", i).isCloseTo(expected, within(1e-12 * expected));
        }
    }

    @Test
    void linearTurnsByAQuarterWhereTheFactorIsFour() {
        var rope = rope(example("vicuna-7b-v1.5-16k"));
        assertThat(rope.attention()).isEqualTo(1);
        assertFrequencies(rope, 16384, 64, i -> 1 / Math.pow(10000, i / 64.0) / 4);
    }

    @ParameterizedTest
    @CsvSource({"100, 1", "32768, 1", "49152, 2", "65536, 3"})
    void dynamicRaisesTheBaseOnceASequenceIsLongerThanTheModelWasTrainedOn(int longest, double stretch) {
        var rope = rope(example("internlm2-chat-7b"));
        assertThat(rope.attention()).isEqualTo(1);
        double base = 1e6 * Math.pow(stretch, 128 / 126.0);
        assertFrequencies(rope, longest, 64, i -> Math.pow(base, -i / 64.0));
    }

    @ParameterizedTest
    @CsvSource({"llama-3.1-8b, 128, 8", "llama-3.2-1b, 64, 32"})
    void llama3KeepsShortWavesDividesLongOnesAndBlendsThoseBetween(String name, int headDim, double factor) {
        var rope = rope(example(name));
        assertThat(rope.attention()).isEqualTo(1);
        var kinds = new int[3];
        assertFrequencies(rope, 1, headDim / 2, i -> {
            double wave = 2 * Math.PI * Math.pow(500000, 2.0 * i / headDim);
            if (wave < 8192 / 4.0) {
                kinds[0]++;
                return 2 * Math.PI / wave;
            }
            if (wave > 8192) {
                kinds[1]++;
                return 2 * Math.PI / (wave * factor);
            }
            kinds[2]++;
            double kept = (8192 / wave - 1) / (4 - 1);
            return 2 * Math.PI / wave * (kept + (1 - kept) / factor);
        });
        assertThat(kinds).as("kept, divided, blended").doesNotContain(0);
    }

    @ParameterizedTest
    @CsvSource({
        // Name, base, features, factor, original positions, whether the borders are whole pairs.
        "qwen2.5-7b-128k, 1e6, 128, 4, 32768, true",
        "yarn-llama-2-7b-64k, 1e4, 128, 16, 4096, true",
        "deepseek-v3, 1e4, 64, 40, 4096, true",
        "gpt-oss-20b, 15e4, 64, 32, 4096, false"
    })
    void yarnDividesPairsByHowOftenTheyTurnOverTheOriginalPositions(
            String name, double base, int features, double factor, int positions, boolean whole) {
        // The pair whose wave is positions / turns long: 2π base^(2i/d) = positions / turns.
        IntToDoubleFunction pair =
                turns -> features / 2.0 * Math.log(positions / (2 * Math.PI * turns)) / Math.log(base);
        double first = whole ? Math.floor(pair.applyAsDouble(32)) : pair.applyAsDouble(32);
        double last = whole ? Math.ceil(pair.applyAsDouble(1)) : pair.applyAsDouble(1);
        assertThat(first).isBetween(0.0, last - 1);
        assertThat(last).isLessThan(features - 1.0);
        assertFrequencies(rope(example(name)), positions, features / 2, i -> {
            double frequency = Math.pow(base, -2.0 * i / features);
            if (i <= first) {
                return frequency;
            }
            if (i >= last) {
                return frequency / factor;
            }
            double way = (i - first) / (last - first);
            return frequency * (1 - way + way / factor);
        });
    }

    @Test
    void yarnScalesAttentionByTheFactorsLogarithmOrByTheRatioOfTwo() {
        assertThat(rope(example("qwen2.5-7b-128k")).attention()).isCloseTo(1 + 0.1 * Math.log(4), within(1e-15));
        assertThat(rope(example("gpt-oss-20b")).attention()).isCloseTo(1 + 0.1 * Math.log(32), within(1e-15));
        assertThat(rope(example("deepseek-v3")).attention()).isEqualTo(1);

        var unlike = scaling("deepseek-v3", scaling -> scaling.put("mscale_all_dim", 0.707));
        assertThat(unlike.attention()).isCloseTo((1 + 0.1 * Math.log(40)) / (1 + 0.0707 * Math.log(40)), within(1e-15));
        var half = scaling("deepseek-v3", scaling -> scaling.remove("mscale_all_dim"));
        assertThat(half.attention()).isCloseTo(1 + 0.1 * Math.log(40), within(1e-15));
        assertThat(scaling("deepseek-v3", scaling -> scaling.put("attention_factor", 1.5))
                        .attention())
                .isEqualTo(1.5);
        assertThat(scaling("qwen2.5-7b-128k", scaling -> scaling.put("factor", 1))
                        .attention())
                .isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4096, 4097, 131072})
    void longRopeDividesEveryPairByTheShortOrTheLongFactor(int longest) {
        var model = example("phi-3-128k");
        var rope = rope(model);
        // The scale that Phi-3 was published with, √(1 + ln 32 / ln 4096).
        assertThat(rope.attention()).isCloseTo(1.1902380714238083, within(1e-15));
        var factors = model.path("config").path("rope_scaling").path(longest > 4096 ? "long_factor" : "short_factor");
        assertFrequencies(rope, longest, 48, i -> 1 / (factors.path(i).asDouble() * Math.pow(10000, i / 48.0)));
    }

    @Test
    void longRopeTurnsAPartOfTheFeaturesWhereTheConfigSaysSo() {
        var model = example("phi-3-128k");
        var partial = ((ObjectNode) model.path("config").deepCopy()).put("partial_rotary_factor", 0.75);
        var rope = rope(partial, 128);
        assertThat(rope.dimensions()).isEqualTo(96);
        assertThat(rope.frequencies(1)).isEqualTo(rope(model).frequencies(1));
    }

    @Test
    void aScalingThatLacksANumberOrIsUnknownIsNamed() {
        assertThatThrownBy(() -> scaling("llama-3.1-8b", scaling -> scaling.remove("low_freq_factor")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("config.json")
                .hasMessageContaining("'low_freq_factor'");
        assertThatThrownBy(() -> scaling("llama-3.1-8b", scaling -> scaling.put("rope_type", "llama4")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'llama4'")
                .hasMessageContaining("longrope");
        assertThatThrownBy(() -> scaling(
                        "phi-3-128k", scaling -> scaling.putArray("long_factor").add(1.0)))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'long_factor'")
                .hasMessageContaining("48");
    }

    private interface Change {
        void on(ObjectNode scaling);
    }

    /** A published model's rotary embedding after a change of its scaling. */
    private static Rope scaling(String name, Change change) {
        var model = example(name).deepCopy();
        change.on((ObjectNode) model.path("config").path("rope_scaling"));
        return rope(model);
    }
}
