package dev.espalier.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterCard;
import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.adapter.AdapterDeltas;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.FullSpec;
import dev.espalier.adapter.Ia3Spec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.SparseSpec;
import dev.espalier.adapter.TargetModules;
import dev.espalier.adapter.export.AdapterExport;
import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a merge is written as, read again. */
class MergedAdapterTest {
    private static final String QUERY = "bert.encoder.layer.0.attention.self.query.weight";

    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();
    private final List<LanguageModel> models = new ArrayList<>();
    private final List<AdapterDeltas> adapters = new ArrayList<>();

    @TempDir
    private Path temporary;

    @AfterEach
    void free() {
        adapters.forEach(AdapterDeltas::close);
        models.forEach(LanguageModel::close);
        scope.close();
        guard.close();
    }

    private LanguageModel model() {
        var model = AutoModel.open(Fixtures.path("models/bert_cls"), ScalarType.Float);
        models.add(model);
        return model;
    }

    /** A trained adapter with a head for {@code task}, and its changes. */
    private AdapterDeltas adapter(String task, int labels, AdapterSpec spec) {
        var folder = temporary.resolve(task);
        var names = List.of("x", "y", "z", "w").subList(0, labels);
        var head = new SavedHead("", task, TaskKind.SINGLE_LABEL, names, Pooling.DEFAULT);
        var random = RandomStream.of(11).at(task);
        try (var model = AutoModel.open(Fixtures.path("models/bert_cls"), ScalarType.Float)) {
            model.addHead("", head.kind(), labels, head.pooling(), random);
            try (var adapter = Adapter.create("default", spec, model, random)) {
                adapter.parameters().stream().filter(Parameter::trainable).forEach(p -> {
                    var value = p.value();
                    value.copy_(Initialiser.normal(.2, random.at(p.name()), p.shape()));
                });
                AdapterFolder.save(folder, adapter, model, new AdapterCard("base", Optional.of(77), List.of(head)));
            }
        }
        var opened = AdapterDeltas.open(task, folder, model(), Map.of());
        adapters.add(opened);
        return opened;
    }

    private void twoLoras() {
        adapter("first", 3, LoraSpec.defaults().withRank(3));
        adapter("second", 2, LoraSpec.defaults().withRank(2).withTargets(TargetModules.of("query", "key")));
    }

    private Merger merger(String method) {
        return new Merger(adapters, MergePlan.of(MergeMethods.of(method)));
    }

    private MergedHeads heads() {
        return new MergedHeads(adapters, "base");
    }

    /** The changes that the folder makes, against those that were merged. */
    private void same(Path folder, Merger merger, double tolerance) {
        try (var read = AdapterDeltas.open("read", folder, model(), Map.of())) {
            assertThat(read.shapes().keySet()).containsAll(merger.shapes().keySet());
            for (var weight : merger.shapes().keySet()) {
                Fixtures.assertClose(
                        weight, read.delta(weight).dense(), merger.delta(weight).dense(), tolerance, tolerance);
            }
        }
    }

    @Test
    void factorsSideBySideAreExactAndHeadsStay() {
        twoLoras();
        var merger = merger("average");
        var folder = temporary.resolve("merged");
        new MergedAdapter(merger, model(), heads()).concatenated(folder, (target, written) -> {});
        same(folder, merger, 1e-6);
        try (var saved = AdapterFolder.open(folder)) {
            assertThat(((LoraSpec) saved.spec()).rank(Merger.module(QUERY))).isEqualTo(5);
            assertThat(saved.card().maxTokens()).contains(77);
            assertThat(saved.card().heads()).extracting(SavedHead::name).containsExactly("first", "second");
            assertThat(saved.card().heads()).extracting(SavedHead::outputs).containsExactly(3, 2);
        }
        var model = model();
        try (var loaded = AdapterFolder.load(folder, model)) {
            for (var adapter : adapters) {
                var saved = adapter.head(adapter.card().heads().get(0)).get("classifier.weight");
                var own = model.parameters().get("heads." + adapter.name() + ".classifier.weight");
                assertThat(Objects.requireNonNull(own).value().equal(Objects.requireNonNull(saved)))
                        .isTrue();
            }
        }
    }

    @Test
    void aCutToEnoughRanksIsExactAndToFewerStatesItsError() {
        twoLoras();
        var merger = merger("average");
        var exact = temporary.resolve("exact");
        new MergedAdapter(merger, model(), heads())
                .lora(exact, 5, (target, written) -> assertThat(written.relativeError())
                        .isLessThan(1e-6));
        same(exact, merger, 1e-5);
        var cut = temporary.resolve("cut");
        var told = new MergedAdapter(merger, model(), heads()).lora(cut, 2, (target, written) -> {});
        double norm = 0;
        double error = 0;
        try (var read = AdapterDeltas.open("read", cut, model(), Map.of())) {
            for (var weight : merger.shapes().keySet()) {
                var delta = merger.delta(weight).dense();
                double left = squares(read.delta(weight).dense().sub(delta));
                assertThat(told.relativeErrors().get(weight)).isCloseTo(Math.sqrt(left / squares(delta)), within(1e-4));
                norm += squares(delta);
                error += left;
            }
        }
        assertThat(told.relativeError()).isBetween(.01, .99).isCloseTo(Math.sqrt(error / norm), within(1e-4));
    }

    private static double squares(Tensor values) {
        return Math.pow(values.norm().item_double(), 2);
    }

    @Test
    void tiesHasNoFactorsToPutSideBySide() {
        twoLoras();
        var adapter = new MergedAdapter(merger("ties"), model(), heads());
        var target = temporary.resolve("merged");
        assertThatThrownBy(() -> adapter.concatenated(target, (folder, written) -> {}))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("by method 'ties' is no sum of low-rank changes");
        assertThat(target).doesNotExist();
    }

    @Test
    void sparseEntriesAreAllThatIsNotZero() {
        twoLoras();
        var merger = merger("ties");
        var folder = temporary.resolve("merged");
        new MergedAdapter(merger, model(), heads()).sparse(folder, (target, written) -> {});
        var config = Json.read(folder.resolve("adapter_config.json"));
        assertThat(config.path("peft_type").stringValue("")).isEqualTo("SHIRA");
        int rank = config.path("r").intValue();
        try (var file = SafetensorsFile.open(folder.resolve(AdapterFolder.WEIGHTS))) {
            for (var weight : merger.shapes().keySet()) {
                var module = Merger.module(weight);
                var delta = merger.delta(weight).dense();
                int kept = config.path("kept").path(module).intValue();
                assertThat(kept).isEqualTo(delta.ne(new Scalar(0.0)).sum().item_int());
                var places = Fixtures.longs(file.tensor("base_model.model." + module + ".shira_indices"));
                var values = Fixtures.doubles(file.tensor("base_model.model." + module + ".shira_weight"));
                int n = values.length;
                assertThat(n).isEqualTo(rank * (int) (delta.size(0) + delta.size(1)));
                var dense = new double[(int) delta.numel()];
                var seen = new boolean[dense.length];
                for (int i = 0; i < n; i++) {
                    int place = (int) (places[i] * delta.size(1) + places[n + i]);
                    assertThat(seen[place]).isFalse();
                    seen[place] = true;
                    dense[place] = values[i];
                }
                assertThat(dense).isEqualTo(Fixtures.doubles(delta));
            }
        }
    }

    @Test
    void sparseFoldersAreReadAgain() {
        twoLoras();
        var merger = merger("ties");
        var few = temporary.resolve("few");
        new MergedAdapter(merger, model(), heads()).sparse(few, (target, written) -> {});
        same(few, merger, 1e-7);
        // All of 96 x 64 numbers is more than a multiple of 96 + 64 has room for.
        adapter("third", 2, LoraSpec.defaults().withTargets(TargetModules.of("intermediate.dense")));
        var all = merger("average");
        var many = temporary.resolve("many");
        new MergedAdapter(all, model(), heads()).sparse(many, (target, written) -> {});
        assertThat(Json.read(many.resolve("adapter_config.json"))
                        .path("peft_type")
                        .stringValue(""))
                .isEqualTo("ESPALIER_SPARSE");
        same(many, all, 1e-7);
    }

    @Test
    void copiesOfWholeModulesAreExact() {
        twoLoras();
        var merger = merger("ties");
        var folder = temporary.resolve("merged");
        new MergedAdapter(merger, model(), heads()).full(folder, (target, written) -> {});
        same(folder, merger, 1e-6);
    }

    @Test
    void everyKindIsMergedWithEveryOther() {
        adapter("lora", 2, LoraSpec.defaults().withRank(2));
        adapter("dora", 2, LoraSpec.defaults().withRank(2).withDora(true));
        adapter("full", 2, FullSpec.defaults());
        adapter("sparse", 2, SparseSpec.sparse());
        adapter("mixture", 2, Mixtures.of("molora"));
        var merger = merger("average");
        for (var weight : merger.shapes().keySet()) {
            Tensor sum = null;
            for (var adapter : adapters) {
                if (adapter.shapes().containsKey(weight)) {
                    var delta = adapter.delta(weight).dense();
                    sum = sum == null ? delta : sum.add(delta);
                }
            }
            Fixtures.assertClose(
                    weight,
                    merger.delta(weight).dense(),
                    Objects.requireNonNull(sum).div(new Scalar(5.0)),
                    1e-5,
                    1e-6);
        }
        assertThat(adapters)
                .extracting(AdapterDeltas::kind)
                .containsExactly("lora", "lora", "full", "sparse", "molora");
    }

    @Test
    void biasesAreSavedWithTheirWholeModules() {
        adapter("scales", 3, Ia3Spec.defaults());
        adapter("lora", 2, LoraSpec.defaults().withRank(2));
        var merger = merger("average");
        assertThat(merger.shapes().keySet()).anyMatch(name -> name.endsWith(".bias"));
        var folder = temporary.resolve("merged");
        new MergedAdapter(merger, model(), heads()).lora(folder, 64, (target, written) -> {});
        same(folder, merger, 1e-4);
    }

    /** LoRA has no place for a bias: where one changes, the weight beside it is not cut either. */
    @Test
    void onlyModulesWhoseBiasChangesStayWhole() {
        adapter("full", 3, FullSpec.defaults().withTargets(TargetModules.of("query")));
        adapter("lora", 2, LoraSpec.defaults().withRank(3).withTargets(TargetModules.of("query", "value")));
        var merger = merger("average");
        var folder = temporary.resolve("merged");
        var merged = new MergedAdapter(merger, model(), heads());
        assertThat(merged.wholeModules()).isNotEmpty().allMatch(module -> module.endsWith(".query"));
        merged.lora(folder, 1, (target, written) -> {});
        try (var read = AdapterDeltas.open("read", folder, model(), Map.of())) {
            var exact = merger.shapes().keySet().stream()
                    .filter(weight -> read.delta(weight)
                            .dense()
                            .allclose(merger.delta(weight).dense(), 1e-4, 1e-5, false))
                    .toList();
            assertThat(exact)
                    .containsExactlyInAnyOrderElementsOf(merger.shapes().keySet().stream()
                            .filter(weight -> weight.contains(".query."))
                            .toList());
        }
    }

    @Test
    void aDenseFolderIsBaseAndChange() {
        adapter("only", 3, LoraSpec.defaults().withRank(3));
        var merger = merger("average");
        var folder = temporary.resolve("dense");
        var base = Fixtures.path("models/bert_cls");
        AdapterExport.merged(merger, heads().card(), heads().weights(), base, folder, Optional.empty(), target -> {});
        assertThat(Json.read(folder.resolve("config.json")).path("id2label").size())
                .isEqualTo(3);
        try (var written = CheckpointFolder.open(folder);
                var original = CheckpointFolder.open(base)) {
            Fixtures.assertClose(
                    QUERY,
                    written.tensor(QUERY),
                    original.tensor(QUERY).add(merger.delta(QUERY).dense()),
                    1e-6,
                    1e-7);
            var saved =
                    adapters.get(0).head(adapters.get(0).card().heads().get(0)).get("classifier.weight");
            assertThat(written.tensor("classifier.weight").equal(Objects.requireNonNull(saved)))
                    .isTrue();
        }
    }

    @Test
    void masksAndFactorsGiveEachTaskItsChange() {
        twoLoras();
        var merger = merger("emr");
        var folder = temporary.resolve("masks");
        MergedMasks.write(folder, merger, adapters, "base", target -> {});
        var masks = new TaskMasks(2);
        for (var weight : merger.shapes().keySet()) {
            var unified = merger.delta(weight).dense();
            if (adapters.get(0).shapes().containsKey(weight)) {
                masks.add(0, adapters.get(0).delta(weight).dense(), unified);
            }
        }
        var place = folder.resolve("first");
        assertThat(MaskedDeltas.isIn(place)).isTrue();
        try (var read = MaskedDeltas.open("first", place);
                var heads = AdapterDeltas.open("first", MaskedDeltas.heads(place), model(), Map.of())) {
            assertThat(read.shapes()).isEqualTo(adapters.get(0).shapes());
            for (var weight : read.shapes().keySet()) {
                var unified = merger.delta(weight).dense();
                var expected = TaskMasks.mask(adapters.get(0).delta(weight).dense(), unified)
                        .mul(unified)
                        .mul(new Scalar(masks.factor(0)));
                Fixtures.assertClose(weight, read.delta(weight).dense(), expected, 1e-6, 1e-7);
            }
            assertThat(heads.card().heads().get(0).task()).isEqualTo("first");
        }
    }

    @Test
    void theSecondHeadOfATaskIsLeftOutAndSaid() {
        adapter("task", 3, LoraSpec.defaults());
        var again = AdapterDeltas.open("other", temporary.resolve("task"), model(), Map.of());
        adapters.add(again);
        assertThat(heads().card().heads()).hasSize(1);
        assertThat(heads().notes())
                .containsExactly(
                        "Adapters 'task' and 'other' both have a head for task 'task'; the one of 'task' is kept.");
    }

    @Test
    void aMergeActsOnAModelAndLeavesIt() {
        twoLoras();
        var model = model();
        var query = Objects.requireNonNull(model.linears().get(Merger.module(QUERY)));
        try (var merged = new MergedWeights(merger("ties"), model)) {
            merged.attach(model);
            assertThat(model.adapters()).containsExactly("merged");
            var copy = Objects.requireNonNull(merged.modules().get(query.name()))
                    .get(0)
                    .value();
            Fixtures.assertClose(
                    QUERY,
                    copy.sub(query.weight().value()),
                    merger("ties").delta(QUERY).dense(),
                    1e-4,
                    1e-6);
            merged.detach(model);
            assertThat(model.adapters()).isEmpty();
        }
    }
}
