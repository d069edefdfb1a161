package dev.espalier.merge;

import dev.espalier.adapter.DeltaSource;
import dev.espalier.adapter.WeightDelta;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;

/** The change of one task that {@link MergedMasks} wrote: {@code factor · mask ⊙ δ}. */
public final class MaskedDeltas implements DeltaSource {
    private final String name;
    private final double factor;
    private final SafetensorsFile unified;
    private final SafetensorsFile masks;
    private final Map<String, List<Long>> shapes = new LinkedHashMap<>();

    private MaskedDeltas(String name, double factor, SafetensorsFile unified, SafetensorsFile masks) {
        this.name = name;
        this.factor = factor;
        this.unified = unified;
        this.masks = masks;
        masks.names().forEach(weight -> shapes.put(weight, unified.info(weight).shape()));
    }

    /** Whether {@code folder} is one task's of a folder of masks. */
    public static boolean isIn(Path folder) {
        return Files.exists(folder.resolve(MergedMasks.MASK)) && Files.exists(folder.resolve(MergedMasks.FACTOR));
    }

    /** Where the folder has the task's heads, an adapter folder without deltas. */
    public static Path heads(Path folder) {
        return folder.resolve(MergedMasks.HEAD);
    }

    /**
     * Opens the change of a task.
     *
     * @param folder the task's, in the folder that was written
     * @throws InputException if a file is missing or broken
     */
    public static MaskedDeltas open(String name, Path folder) {
        var file = folder.resolve(MergedMasks.FACTOR);
        var factor = Json.read(file).get("factor");
        if (factor == null || !factor.isNumber()) {
            throw new InputException(file + " has no number 'factor'; write the masks again.");
        }
        var unified = SafetensorsFile.open(folder.toAbsolutePath().resolveSibling(MergedMasks.UNIFIED));
        try {
            return new MaskedDeltas(
                    name, factor.doubleValue(), unified, SafetensorsFile.open(folder.resolve(MergedMasks.MASK)));
        } catch (RuntimeException e) {
            unified.close();
            throw e;
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String kind() {
        return "masked";
    }

    @Override
    public Map<String, List<Long>> shapes() {
        return Collections.unmodifiableMap(shapes);
    }

    @Override
    public WeightDelta delta(String weight) {
        var shared = unified.tensor(weight);
        var values = PackedBits.unpack(masks.tensor(weight), shared.numel()).view(shared.shape());
        return new WeightDelta.Dense(values.mul(shared).mul(new Scalar(factor)));
    }

    @Override
    public void close() {
        unified.close();
        masks.close();
    }
}
