package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.json.Json;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MetricsFormatTest {
    private static final Clock CLOCK = Clock.fixed(Instant.ofEpochMilli(1_700_000_000_250L), ZoneOffset.UTC);
    private static final MetricsRecord VALIDATION =
            new MetricsRecord("validation", 300, values("task", "größe, \"b\"", "accuracy", 0.75, "loss", Double.NaN));
    private static final MetricsRecord ROUTER =
            new MetricsRecord("router", 5, values("module", "a.query", "load", List.of(0.25, 0.75), "dropped", 0));

    private static Map<String, Object> values(Object... keysAndValues) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            values.put((String) keysAndValues[i], keysAndValues[i + 1]);
        }
        return values;
    }

    private static byte[] file(MetricsFormat format, MetricsRecord... records) {
        var file = new ByteArrayOutputStream();
        file.writeBytes(format.start());
        for (var record : records) {
            file.writeBytes(format.bytes(record));
        }
        return file.toByteArray();
    }

    @Test
    void jsonLinesHoldEverything() {
        var lines = new String(file(new JsonLines(), VALIDATION, ROUTER), StandardCharsets.UTF_8)
                .lines()
                .map(Json.mapper()::readTree)
                .toList();
        assertThat(lines).hasSize(2);
        assertThat(lines.get(0).propertyNames()).containsExactly("kind", "step", "task", "accuracy", "loss");
        assertThat(lines.get(1).path("load").get(1).asDouble()).isEqualTo(0.75);
    }

    @Test
    void csvHasARowForEveryNumber() {
        assertThat(new String(file(new CsvLines(), VALIDATION, ROUTER), StandardCharsets.UTF_8))
                .isEqualTo("""
                kind,step,subject,metric,value
                validation,300,"größe, ""b\""",accuracy,0.75
                validation,300,"größe, ""b\""",loss,NaN
                router,5,a.query,dropped,0.0
                """);
    }

    @Test
    void anEventFileBeginsAsThoseOfTensorFlowDo() {
        // A record of 24 bytes: the time (9) and the version (15). Its checksum is the same in every event file.
        var file = file(new TensorBoardEvents(CLOCK));
        assertThat(Arrays.copyOf(file, 12)).containsExactly(0x18, 0, 0, 0, 0, 0, 0, 0, 0xA3, 0x7F, 0x4B, 0x22);
        assertThat(file).hasSize(12 + 24 + 4);
        assertThat(EventReader.read(file))
                .containsExactly(new EventReader.Scalar(1_700_000_000.25, 0, "brain.Event:2", 0));
    }

    @Test
    void eventsHoldEveryNumberAsAScalar() {
        var scalars = EventReader.read(file(new TensorBoardEvents(CLOCK), VALIDATION, ROUTER));
        assertThat(scalars.subList(1, scalars.size()))
                .containsExactly(
                        new EventReader.Scalar(1_700_000_000.25, 300, "validation/größe, \"b\"/accuracy", 0.75f),
                        new EventReader.Scalar(1_700_000_000.25, 300, "validation/größe, \"b\"/loss", Float.NaN),
                        new EventReader.Scalar(1_700_000_000.25, 5, "router/a.query/dropped", 0));
        var train = new MetricsRecord("train", 1, Map.of("loss", 2.5));
        assertThat(EventReader.read(file(new TensorBoardEvents(CLOCK), train))
                        .get(1)
                        .tag())
                .isEqualTo("train/loss");
    }

    @Test
    void aRecordWithoutNumbersIsNoEvent() {
        assertThat(new TensorBoardEvents(CLOCK).bytes(new MetricsRecord("test", 1, Map.of("task", "a"))))
                .isEmpty();
    }

    @Test
    void theReadersChecksumIsCrc32c() {
        var digits = "123456789".getBytes(StandardCharsets.US_ASCII);
        assertThat(EventReader.crc32c(digits, 0, digits.length)).isEqualTo(0xE3069283);
    }
}
