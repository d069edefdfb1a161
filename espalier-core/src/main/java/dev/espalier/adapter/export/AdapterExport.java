package dev.espalier.adapter.export;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterCard;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.DeltaSource;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.gguf.GgufLora;
import dev.espalier.adapter.gguf.LoraModule;
import dev.espalier.checkpoint.AtomicFolders;
import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.checkpoint.IoConsumer;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Takes a saved adapter elsewhere. Nothing is left half-written, and what was at the target survives a failure. */
public final class AdapterExport {
    private static final String NAME = "export";

    private AdapterExport() {}

    /**
     * Writes the adapter as PEFT does.
     *
     * @param adapter an adapter's folder
     * @param base the folder of its base model
     * @throws InputException if PEFT has no type for the method, or a folder is none or does not fit
     */
    public static void peft(Path adapter, Path base, Path target) {
        try (var saved = AdapterFolder.open(adapter)) {
            if (!saved.isPefts()) {
                throw unfit(saved, "PEFT has no type for it, so Espalier's own folder is the only one there is");
            }
            if (saved.card().heads().size() > 1) {
                throw new InputException(
                        adapter + " has " + saved.card().heads().size()
                                + " heads, and PEFT has no model with several; export an adapter of one task.");
            }
            try (var model = AutoModel.open(base, ScalarType.Float);
                    var loaded = saved.load(NAME, model)) {
                AdapterFolder.save(target, loaded, model, saved.card());
            }
        }
    }

    /**
     * Writes the base model with the adapter in its weights as a Hugging Face folder. Sums are made in fp32, one matrix
     * at a time, and rounded to the base's dtype. Where an adapted embedding was tied to the head, both are written.
     *
     * @param adapter an adapter's folder
     * @param base the folder of its base model
     * @param probe what the models before and after are compared on
     * @throws InputException if the method can't be merged, transformers has no class for the heads, or a folder is none
     *     or does not fit
     */
    public static MergeReport merged(Path adapter, Path base, Path target, Probe probe) {
        try (var scope = Scope.open();
                var saved = AdapterFolder.open(adapter);
                var checkpoint = CheckpointFolder.open(base);
                var model = AutoModel.open(base, ScalarType.Float);
                var loaded = saved.load(NAME, model)) {
            var adapted = probe.outputs(model);
            double exact = exact(saved, checkpoint, model, loaded, adapted, probe);
            var rounded = new double[1];
            AtomicFolders.write(target, folder -> {
                try (var tensors = new MergedTensors(checkpoint, model, WeightChanges.of(loaded))) {
                    MergedFolder.write(folder, checkpoint, tensors, saved.card());
                }
                // Before the folder takes its place: one that can't be read is never there.
                try (var written = AutoModel.open(folder, ScalarType.Float)) {
                    rounded[0] = difference(saved, written, adapted, probe);
                }
            });
            return new MergeReport(exact, rounded[0]);
        }
    }

    /**
     * Writes the base model with changes in its weights, as {@link #merged(Path, Path, Path, Probe)} does. Weights of the
     * base are mapped in its own dtype, and one matrix is fp32 at a time, but for the comparison, which opens the model in
     * fp32.
     *
     * @param card heads that the model gets; PEFT's one or none
     * @param heads their weights, by their names in a model whose only head it is
     * @param probe what the merged model, before it is rounded, and the folder are compared on; empty for no comparison
     * @param more writes what else the folder holds into it, after the weights
     * @return the largest difference of a logit; 0 without a probe
     * @throws InputException if transformers has no class for the heads, or a folder is none or does not fit
     */
    public static double merged(
            DeltaSource changes,
            AdapterCard card,
            Map<String, Tensor> heads,
            Path base,
            Path target,
            Optional<Probe> probe,
            IoConsumer<Path> more) {
        try (var scope = Scope.open();
                var checkpoint = CheckpointFolder.open(base);
                var model = AutoModel.open(base, MergedFolder.dtype(checkpoint))) {
            addHeads(model, card, heads);
            var difference = new double[1];
            AtomicFolders.write(target, folder -> {
                var tensors = new MergedTensors(checkpoint, model, WeightChanges.of(changes, model));
                try (tensors) {
                    MergedFolder.write(folder, checkpoint, tensors, card);
                    if (probe.isPresent()) {
                        var again = new MergedTensors(checkpoint, model, WeightChanges.of(changes, model));
                        difference[0] = rounding(again, checkpoint, card, heads, folder, probe.get());
                    }
                    more.accept(folder);
                }
            });
            return difference[0];
        }
    }

    private static void addHeads(LanguageModel model, AdapterCard card, Map<String, Tensor> heads) {
        for (var head : card.heads()) {
            var added = model.addHead(head.name(), head.kind(), head.outputs(), head.pooling(), RandomStream.of(0));
            added.linears().stream()
                    .flatMap(linear -> linear.parameters().stream())
                    .forEach(parameter -> Optional.ofNullable(heads.get(parameter.name()))
                            .ifPresent(value -> parameter.value().copy_(value)));
        }
    }

    private static double rounding(
            MergedTensors tensors,
            CheckpointFolder checkpoint,
            AdapterCard card,
            Map<String, Tensor> heads,
            Path written,
            Probe probe) {
        var config = MergedConfig.of(checkpoint.config(), card, tensors.untied());
        List<Tensor> exact;
        try (var merged = AutoModel.open(tensors, config, checkpoint.path().resolve("config.json"), ScalarType.Float)) {
            addHeads(merged, card, heads);
            exact = probe.outputs(merged);
        }
        try (var rounded = AutoModel.open(written, ScalarType.Float)) {
            addHeads(rounded, card, Map.of());
            return Probe.difference(exact, probe.outputs(rounded));
        }
    }

    private static double exact(
            AdapterFolder saved,
            CheckpointFolder checkpoint,
            LanguageModel model,
            Adapter adapter,
            List<Tensor> adapted,
            Probe probe) {
        var tensors = new MergedTensors(checkpoint, model, WeightChanges.of(adapter));
        var config = MergedConfig.of(checkpoint.config(), saved.card(), tensors.untied());
        try (var merged = AutoModel.open(tensors, config, checkpoint.path().resolve("config.json"), ScalarType.Float)) {
            return difference(saved, merged, adapted, probe);
        }
    }

    private static double difference(AdapterFolder saved, LanguageModel merged, List<Tensor> adapted, Probe probe) {
        for (var head : saved.card().heads()) {
            if (!merged.heads().containsKey(head.name())
                    && head.labelEmbeddings().isEmpty()) {
                merged.addHead(head.name(), head.kind(), head.outputs(), head.pooling(), RandomStream.of(0));
            }
        }
        try (var scope = Scope.open()) {
            return Probe.difference(adapted, probe.outputs(merged));
        }
    }

    /**
     * Writes the adapter as llama.cpp reads it, fp32.
     *
     * @param adapter an adapter's folder
     * @param base the folder of its base model
     * @param target a file
     * @throws InputException if llama.cpp can't hold what the adapter does, or a folder is none or does not fit
     */
    public static void gguf(Path adapter, Path base, Path target) {
        try (var saved = AdapterFolder.open(adapter);
                var model = AutoModel.decoder(base, ScalarType.Float);
                var loaded = saved.load(NAME, model);
                var file = SafetensorsFile.open(adapter.resolve(AdapterFolder.WEIGHTS))) {
            var spec = requireLora(saved, "llama.cpp adds LoRA adapters only");
            Map<String, Tensor> weights = new LinkedHashMap<>();
            new ArrayList<>(file.names()).forEach(name -> weights.put(name, file.tensor(name)));
            var config = model.config();
            GgufLora.write(
                    target,
                    new GgufLora.Base(config.modelType(), config.heads(), config.keyValueHeads(), config.tied()),
                    LoraModule.of(weights, spec::scaling),
                    ScalarType.Float);
        }
    }

    private static LoraSpec requireLora(AdapterFolder saved, String reason) {
        if (saved.spec() instanceof LoraSpec lora) {
            return lora;
        }
        throw unfit(saved, reason);
    }

    private static InputException unfit(AdapterFolder saved, String reason) {
        return new InputException("The adapter's method is '" + saved.spec().method() + "': " + reason + ".");
    }
}
