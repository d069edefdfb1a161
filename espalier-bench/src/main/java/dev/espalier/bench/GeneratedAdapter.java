package dev.espalier.bench;

import dev.espalier.adapter.DeltaSource;
import dev.espalier.adapter.WeightDelta;
import dev.espalier.checkpoint.LazyTensor;
import dev.espalier.checkpoint.Safetensors;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.checkpoint.TensorInfo;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A LoRA adapter of random factors in a file of its own, mapped. */
final class GeneratedAdapter implements DeltaSource {
    private static final double STANDARD_DEVIATION = 0.02;

    private final String name;
    private final Map<String, List<Long>> shapes;
    private final SafetensorsFile file;

    private GeneratedAdapter(String name, Map<String, List<Long>> shapes, SafetensorsFile file) {
        this.name = name;
        this.shapes = shapes;
        this.file = file;
    }

    /** Draws the factors and writes them into {@code folder}. */
    static GeneratedAdapter write(Path folder, int number, Map<String, List<Long>> shapes, int rank) {
        var random = RandomStream.of(number);
        Map<String, LazyTensor> tensors = new LinkedHashMap<>();
        shapes.forEach((weight, shape) -> {
            put(tensors, weight + ".A", random, rank, shape.get(1));
            put(tensors, weight + ".B", random, shape.get(0), rank);
        });
        var path = folder.resolve("adapter_" + number + ".safetensors");
        Safetensors.writeLazily(path, tensors, Map.of());
        return new GeneratedAdapter("adapter_" + number, shapes, SafetensorsFile.open(path));
    }

    private static void put(
            Map<String, LazyTensor> tensors, String name, RandomStream random, long rows, long columns) {
        tensors.put(
                name,
                new LazyTensor(
                        new TensorInfo(ScalarType.Float, List.of(rows, columns)),
                        () -> Initialiser.normal(STANDARD_DEVIATION, random.at(name), rows, columns)));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String kind() {
        return "lora";
    }

    @Override
    public Map<String, List<Long>> shapes() {
        return shapes;
    }

    @Override
    public WeightDelta delta(String weight) {
        return new WeightDelta.LowRank(file.tensor(weight + ".B"), file.tensor(weight + ".A"), 1);
    }

    @Override
    public void close() {
        file.close();
    }
}
