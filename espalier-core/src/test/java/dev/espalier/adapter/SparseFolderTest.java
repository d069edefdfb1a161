package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.checkpoint.Safetensors;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.importance.SelectionScore;
import dev.espalier.model.Linear;
import dev.espalier.model.Pooling;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sparse adapters and full fine-tuning on disk, and what is refused. */
class SparseFolderTest {
    private static final String QUERY = "bert.encoder.layer.0.attention.self.query";
    private static final AdapterCard CARD = new AdapterCard("base", Optional.empty(), List.of());
    private static final AdapterCard WITH_HEAD = new AdapterCard(
            "base",
            Optional.empty(),
            List.of(new SavedHead("", "task", TaskKind.SINGLE_LABEL, List.of("a", "b", "c"), Pooling.DEFAULT)));

    @TempDir
    Path temporary;

    private static Adapter adapter(TinyModel tiny, AdapterSpec spec) {
        return Adapter.create("default", spec, tiny.model(), RandomStream.of(1));
    }

    private static void randomise(Adapter adapter) {
        adapter.parameters().stream().filter(p -> p.trainable()).forEach(p -> p.value()
                .add_(Initialiser.normal(.2, RandomStream.of(11).at(p.name()), p.shape())));
    }

    static AdapterSpec spec(String name) {
        return switch (name) {
            case "elements" -> SparseSpec.sparse();
            case "rank" -> SparseSpec.shira().withRank(3);
            case "all" -> SparseSpec.sparse().withKeepRatio(1);
            case "blocks" -> SparseSpec.sparse().withBlockSize(8);
            case "full" -> FullSpec.defaults();
            default -> throw new IllegalArgumentException(name);
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"elements", "rank", "all", "blocks", "full"})
    void whatIsSavedLoadsAgainComputesTheSameAndIsSavedTheSame(String name) throws IOException {
        var first = temporary.resolve("first");
        var second = temporary.resolve("second");
        double[] logits;
        try (var tiny = new TinyModel()) {
            tiny.addHead("", 3);
            try (var adapter = adapter(tiny, spec(name))) {
                randomise(adapter);
                logits = tiny.logits();
                AdapterFolder.save(first, adapter, tiny.model(), WITH_HEAD);
            }
        }
        try (var tiny = new TinyModel()) {
            tiny.addHead("", 3);
            try (var adapter = AdapterFolder.load(first, tiny.model())) {
                assertThat(tiny.logits()).isEqualTo(logits);
                AdapterFolder.save(second, adapter, tiny.model(), WITH_HEAD);
            }
        }
        for (var file : List.of("adapter_config.json", "adapter_model.safetensors")) {
            assertThat(second.resolve(file)).hasSameBinaryContentAs(first.resolve(file));
        }
    }

    /** 409 entries of 64 x 64: PEFT's rank 4 has room for 512. The rest is zero, at places of its own. */
    @Test
    void entriesThatPeftsShapeHasNoRankForAreFilledUp() {
        var folder = temporary.resolve("adapter");
        try (var tiny = new TinyModel();
                var adapter = adapter(tiny, SparseSpec.sparse())) {
            randomise(adapter);
            AdapterFolder.save(folder, adapter, tiny.model(), CARD);
        }
        var config = PeftFixtureTest.config(folder);
        assertThat(config.path("peft_type").stringValue()).isEqualTo("SHIRA");
        assertThat(config.path("r").asInt()).isEqualTo(4);
        assertThat(config.path("kept").path(QUERY).asInt()).isEqualTo(409);
        try (var scope = Scope.open();
                var saved = AdapterFolder.open(folder);
                var file = SafetensorsFile.open(folder.resolve(AdapterFolder.WEIGHTS))) {
            var key = "base_model.model." + QUERY + ".";
            assertThat(file.info(key + "shira_weight").shape()).containsExactly(512L);
            assertThat(file.info(key + "shira_indices").shape()).containsExactly(2L, 512L);
            assertThat(file.info(key + "shira_indices").dtype()).isEqualTo(ScalarType.Int);
            assertThat(FloatArrays.of(file.tensor(key + "shira_weight").narrow(0, 409, 103)))
                    .containsOnly(0);
            var places = file.tensor(key + "shira_indices");
            var flat = places.select(0, 0).mul(new Scalar(64)).add(places.select(0, 1));
            assertThat(Fixtures.longs(flat)).doesNotHaveDuplicates();
            assertThat(flat.min().item_long()).isNotNegative();
            assertThat(flat.max().item_long()).isLessThan(64 * 64);
            assertThat(saved.trainedWeights()).isEqualTo(6L * 409);
        }
    }

    @Test
    void aMergedWeightIsTheWeightAndWhatIsKept() {
        try (var tiny = new TinyModel();
                var adapter = adapter(tiny, SparseSpec.sparse().withBlockSize(8))) {
            randomise(adapter);
            var linear = tiny.model().linears().get(QUERY);
            var delta = (SparseDelta) adapter.deltas().get(QUERY);
            var weight = Objects.requireNonNull(linear).matrix();
            var merged = adapter.merged(QUERY + ".weight", weight);
            assertClose("change", merged.sub(weight), SparseRun.change(Objects.requireNonNull(delta)), 0, 1e-6);
            var rows = ((Mergeable) delta).merged(weight.narrow(0, 5, 9), 5);
            assertClose("rows", rows, merged.narrow(0, 5, 9), 0, 0);
        }
    }

    @Test
    void fullFineTuningTrainsWeightsAndBiasesAndMergesToTheCopy() {
        try (var tiny = new TinyModel();
                var adapter = adapter(tiny, FullSpec.defaults())) {
            assertThat(adapter.trainedWeights()).isEqualTo(6L * (64 * 64 + 64));
            randomise(adapter);
            var weight =
                    Objects.requireNonNull(tiny.model().linears().get(QUERY)).matrix();
            var merged = adapter.merged(QUERY + ".weight", weight);
            var copy = Objects.requireNonNull(adapter.copies().byModule().get(QUERY))
                    .get(0)
                    .parameter()
                    .value();
            assertClose("merged", merged, copy, 0, 0);
            assertThat(FloatArrays.of(merged)).isNotEqualTo(FloatArrays.of(weight));
        }
    }

    /** Attached, trained and taken off again, the base's weights are what they were to the bit. */
    @ParameterizedTest
    @ValueSource(strings = {"elements", "blocks"})
    void theBaseIsTheSameToTheBitAfterTraining(String name) {
        Map<String, float[]> before = new LinkedHashMap<>();
        double[] plain;
        try (var tiny = new TinyModel()) {
            tiny.addHead("", 3);
            plain = tiny.logits();
            tiny.model().linears().forEach((path, linear) -> before.put(path, FloatArrays.of(linear.matrix())));
        }
        try (var run = new SparseRun((SparseSpec) spec(name), 20, 7)) {
            run.steps(20);
            assertThat(run.tiny().logits()).isNotEqualTo(plain);
            run.adapter().detach();
            assertThat(run.tiny().logits()).isEqualTo(plain);
            for (Linear linear : run.tiny().model().linears().values()) {
                assertThat(FloatArrays.of(linear.matrix())).isEqualTo(before.get(linear.name()));
            }
            run.adapter().attach(run.tiny().model());
        }
    }

    /** Values, indices, gradients and moments of a tenth of the weights, against those of all of them. */
    @ParameterizedTest
    @ValueSource(ints = {0, 16})
    void memoryIsAQuarterOfTheDenseAdaptersAtMost(int block) {
        try (var run = new SparseRun(SparseSpec.sparse().withKeepRatio(.1).withBlockSize(block), 20, 7)) {
            run.steps(20);
            var tensors = new ArrayList<Tensor>();
            run.adapter().parameters().forEach(p -> tensors.add(p.value()));
            tensors.addAll(run.training().gradients().byName().values());
            tensors.addAll(run.optimizer().state().values());
            tensors.addAll(run.schedule().state().values());
            long bytes = tensors.stream()
                    .mapToLong(t -> t.numel() * t.element_size())
                    .sum();
            long dense =
                    run.deltas().values().stream().mapToLong(SparseDelta::size).sum() * 4 * 4;
            assertThat((double) bytes / dense).isLessThan(.25);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 | keep-ratio must be above 0 and at most 1, not 0.0.",
                "1.01 | keep-ratio must be above 0 and at most 1, not 1.01.",
                "NaN | keep-ratio must be above 0 and at most 1, not NaN."
            })
    void aRatioThatIsNoShareIsRefused(double ratio, String message) {
        assertThatThrownBy(() -> SparseSpec.sparse().withKeepRatio(ratio))
                .isInstanceOf(InputException.class)
                .hasMessage(message);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> SparseSpec.sparse().withBlockSize(1))
                .isInstanceOf(InputException.class)
                .hasMessage("block-size must be 0, for single entries, or the side of a block from 2 up, not 1.");
        assertThatThrownBy(() -> SparseSpec.shira().withBlockSize(4))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("A rank counts single entries");
        assertThatThrownBy(() -> SparseSpec.shira().choosing(SelectionScore.SENSITIVITY, SelectionScope.MATRIX, false))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("The score sensitivity is 0 everywhere before training");
        try (var tiny = new TinyModel()) {
            assertThatThrownBy(() -> adapter(tiny, SparseSpec.sparse().withBlockSize(7)))
                    .isInstanceOf(InputException.class)
                    .hasMessage("Blocks of 7 do not divide " + QUERY
                            + " [64, 64] evenly; choose a block-size that divides both, or 0 for single entries.");
            assertThatThrownBy(() -> adapter(tiny, SparseSpec.shira().withRank(33)))
                    .isInstanceOf(InputException.class)
                    .hasMessage("Rank 33 keeps 4224 entries of " + QUERY
                            + " [64, 64], which has 4096; lower the rank to 32 or less.");
        }
    }

    @Test
    void anIndexBeyondTheWeightIsRefused() throws IOException {
        var folder = temporary.resolve("adapter");
        try (var tiny = new TinyModel();
                var adapter = adapter(tiny, SparseSpec.shira().withRank(2))) {
            AdapterFolder.save(folder, adapter, tiny.model(), CARD);
        }
        var broken = temporary.resolve("broken.safetensors");
        try (var scope = Scope.open();
                var file = SafetensorsFile.open(folder.resolve(AdapterFolder.WEIGHTS))) {
            var tensors = new LinkedHashMap<String, Tensor>();
            file.names().forEach(name -> tensors.put(name, file.tensor(name).clone()));
            var places = Objects.requireNonNull(tensors.get("base_model.model." + QUERY + ".shira_indices"));
            places.select(0, 1).narrow(0, 3, 1).fill_(new Scalar(64));
            Safetensors.write(broken, tensors, Map.of());
        }
        Files.move(broken, folder.resolve(AdapterFolder.WEIGHTS), StandardCopyOption.REPLACE_EXISTING);
        try (var tiny = new TinyModel()) {
            assertThatThrownBy(() -> AdapterFolder.load(folder, tiny.model()))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("changes column 64 of " + QUERY + ", which has the columns 0 to 63");
        }
    }
}
