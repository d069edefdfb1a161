package dev.espalier.train;

import static dev.espalier.Fixtures.longs;

import dev.espalier.Fixtures;
import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.WeightPenalty;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.data.Batch;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.TaskKind;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The fixtures' Llama with the LoRA adapter, the eight rows and the numbers of {@code optim/}. */
final class LlamaLora implements AutoCloseable {
    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();
    private final SafetensorsFile expected = Fixtures.tensors("optim/optim.safetensors");
    private final DecoderModel model;
    private final Adapter adapter;
    private final List<EncodedExample> rows = rows();

    LlamaLora() {
        this(ScalarType.Float);
    }

    /** @param dtype of the model and of all products; what trains is fp32 */
    LlamaLora(ScalarType dtype) {
        model = AutoModel.decoder(Fixtures.path("models/llama"), dtype);
        adapter = AdapterFolder.load(Fixtures.path("adapters/lora_qv"), model);
    }

    /** The eight rows, of 16 to 7 tokens, with labels on their last ones. */
    static List<EncodedExample> rows() {
        try (var scope = Scope.open();
                var expected = Fixtures.tensors("optim/optim.safetensors")) {
            return rows(expected);
        }
    }

    private static List<EncodedExample> rows(SafetensorsFile expected) {
        var ids = expected.tensor("input_ids");
        var width = (int) ids.size(1);
        var lengths = ints(longs(expected.tensor("attention_mask").sum(1)));
        var allIds = ints(longs(ids));
        var allLabels = ints(longs(expected.tensor("labels")));
        var rows = new ArrayList<EncodedExample>();
        for (int row = 0; row < lengths.length; row++) {
            int from = row * width;
            int to = from + lengths[row];
            rows.add(new EncodedExample(
                    0,
                    row,
                    Arrays.copyOfRange(allIds, from, to),
                    new int[lengths[row]],
                    Arrays.copyOfRange(allLabels, from, to),
                    new float[0]));
        }
        return rows;
    }

    private static int[] ints(long[] values) {
        return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
    }

    /** The rows in their order, {@code size} to a batch. */
    List<Batch> batches(int size) {
        return batches(rows, size);
    }

    static List<Batch> batches(List<EncodedExample> rows, int size) {
        var batches = new ArrayList<Batch>();
        for (int from = 0; from < rows.size(); from += size) {
            batches.add(Batch.of(rows.subList(from, from + size), 0));
        }
        return batches;
    }

    Tensor expected(String name) {
        return expected.tensor(name);
    }

    double[] expectedValues(String name) {
        return Fixtures.doubles(expected.tensor(name));
    }

    TrainingStep step(Workers workers) {
        return step(workers, Optional.empty());
    }

    TrainingStep step(Workers workers, boolean checkpointing) {
        return step(workers, checkpointing, Optional.empty());
    }

    TrainingStep step(Workers workers, Optional<WeightPenalty> penalty) {
        return step(workers, false, penalty);
    }

    private TrainingStep step(Workers workers, boolean checkpointing, Optional<WeightPenalty> penalty) {
        var tasks = List.of(new StepTask(model.lmHead(), TaskKind.CAUSAL_LM));
        return new TrainingStep(model, tasks, adapter.parameters(), workers, checkpointing, penalty, 0);
    }

    /** The weights whose names {@code chosen} accepts, as an optimizer takes them. */
    Map<String, Tensor> weights(Predicate<String> chosen) {
        var weights = new LinkedHashMap<String, Tensor>();
        adapter.parameters().stream()
                .filter(parameter -> chosen.test(parameter.name()))
                .forEach(parameter -> weights.put(parameter.name(), parameter.value()));
        return weights;
    }

    /** The key of a weight in PEFT's files. */
    static String key(Parameter parameter) {
        return key(parameter.name());
    }

    static String key(String name) {
        return "base_model.model." + name.replace(".default.", ".");
    }

    /** What a new adapter like this one gives to the optimizer with such a ratio. */
    Map<String, Double> learningRateFactors(double ratio) {
        var spec = ((LoraSpec) adapter.spec()).withLearningRateRatio(ratio);
        adapter.detach();
        try (var other = Adapter.create(adapter.name(), spec, model, RandomStream.of(0))) {
            return other.learningRateFactors();
        } finally {
            adapter.attach(model);
        }
    }

    List<Parameter> parameters() {
        return adapter.parameters();
    }

    @Override
    public void close() {
        adapter.close();
        model.close();
        expected.close();
        scope.close();
        guard.close();
    }
}
