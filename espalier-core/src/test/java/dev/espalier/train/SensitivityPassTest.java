package dev.espalier.train;

import static dev.espalier.Fixtures.doubles;
import static dev.espalier.Fixtures.longs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.adapter.ModelMatrices;
import dev.espalier.adapter.TargetModules;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.data.Batch;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.TaskKind;
import dev.espalier.json.Json;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.Linear;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SensitivityPassTest {
    private static final int ROWS = 4;

    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();
    private final SafetensorsFile expected = Fixtures.tensors("allocation/measured.safetensors");
    private final DecoderModel model = AutoModel.decoder(Fixtures.path("models/llama"), ScalarType.Float);
    private final Map<String, Linear> linears = ModelMatrices.linears(model, TargetModules.allLinear());
    private final StepTask task = new StepTask(
            model.addHead("", TaskKind.CAUSAL_LM, 0, Pooling.DEFAULT, RandomStream.of(0)), TaskKind.CAUSAL_LM);

    @AfterEach
    void close() {
        model.close();
        expected.close();
        scope.close();
        guard.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void squaredGradientsOfEveryRowAreTransformers(boolean checkpointing) {
        var sums = new double[linears.size()];
        var names = List.copyOf(linears.keySet());
        var pass = SensitivityPass.exact(model, task, checkpointing, linears.values());
        for (int row = 0; row < ROWS; row++) {
            var values = pass.measure(row(row));
            for (int i = 0; i < sums.length; i++) {
                double golden = doubles(expected.tensor("batch." + row + ".sensitivity." + names.get(i)))[0];
                assertThat(values[i]).as(names.get(i)).isCloseTo(golden, within(1e-3 * golden + 1e-6));
                sums[i] += values[i];
            }
        }
        var golden = Json.read(Fixtures.path("allocation/measured.json")).get("sensitivity");
        assertThat(golden.propertyNames()).containsExactlyInAnyOrderElementsOf(names);
        for (int i = 0; i < sums.length; i++) {
            double value = golden.get(names.get(i)).doubleValue();
            assertThat(sums[i]).as(names.get(i)).isCloseTo(value, within(1e-3 * value + 1e-6));
        }
        assertThat(linears.values()).noneMatch(linear -> linear.weight().trainable());
    }

    @Test
    void theGradientsOfTwoMatricesNeverExistAtATime() {
        List<Tensor> delivered = new ArrayList<>();
        linears.values().forEach(linear -> linear.weight().trainable(true));

        SensitivityPass.run(model, task, false, row(0), (parameter, gradient) -> {
            assertThat(delivered).allMatch(earlier -> earlier.isNull());
            delivered.add(gradient);
        });

        assertThat(delivered).hasSize(linears.size());
    }

    @Test
    void aBlockwisePassMeasuresALayerOnEachRow() {
        var exact = SensitivityPass.exact(model, task, false, linears.values());
        var blockwise = SensitivityPass.blockwise(model, task, false, linears.values());

        assertThat(exact.unit()).isEqualTo(1);
        assertThat(blockwise.unit()).isEqualTo(2);
        for (int row = 0; row < ROWS; row++) {
            var all = exact.measure(row(row));
            var values = blockwise.measure(row(row));
            for (int i = 0; i < values.length; i++) {
                assertThat(values[i]).isEqualTo(i / 7 == row % 2 ? all[i] : 0);
            }
        }
        assertThat(linears.values()).noneMatch(linear -> linear.weight().trainable());
    }

    private Batch row(int number) {
        var ids = ints("batch." + number + ".input_ids");
        return Batch.of(
                List.of(new EncodedExample(
                        0, number, ids, new int[ids.length], ints("batch." + number + ".labels"), new float[0])),
                0);
    }

    private int[] ints(String name) {
        return Arrays.stream(longs(expected.tensor(name)))
                .mapToInt(Math::toIntExact)
                .toArray();
    }
}
