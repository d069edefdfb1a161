package dev.espalier.merge;

import dev.espalier.adapter.AdapterDeltas;
import dev.espalier.adapter.AdapterWriter;
import dev.espalier.adapter.DeltaSource;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.checkpoint.AtomicFolders;
import dev.espalier.checkpoint.IoConsumer;
import dev.espalier.checkpoint.LazyTensor;
import dev.espalier.checkpoint.Safetensors;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.checkpoint.TensorInfo;
import dev.espalier.json.Json;
import dev.espalier.tensor.Scope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * One change for all tasks, and of each task a mask on it and a factor: EMR-Merging (Huang et al., arXiv 2405.17461). The
 * folder holds {@value #UNIFIED}, the merged change of every weight, fp32; below it a folder for each adapter, with
 * {@value #MASK}, a bit for each number, eight to a byte, the first in the lowest bit; {@value #FACTOR}; and in
 * {@value #HEAD} the adapter's heads. {@link MaskedDeltas} makes an adapter of such a folder again, {@code factor · mask ⊙ δ}.
 */
public final class MergedMasks {
    static final String UNIFIED = "unified.safetensors";
    static final String MASK = "mask.safetensors";
    static final String FACTOR = "factor.json";
    static final String HEAD = "head";

    private MergedMasks() {}

    /**
     * Writes {@code folder} as a whole; one matrix exists at a time.
     *
     * @param merger of {@code adapters}, by the method {@code emr} or another
     * @param heads of the adapters, in their order
     * @param base name or path of the base model
     * @param more writes what else the folder holds into it
     */
    public static void write(
            Path folder, Merger merger, List<AdapterDeltas> heads, String base, IoConsumer<Path> more) {
        AtomicFolders.write(folder, target -> {
            Map<String, LazyTensor> unified = new LinkedHashMap<>();
            merger.shapes()
                    .forEach((weight, shape) -> unified.put(
                            weight, new LazyTensor(new TensorInfo(ScalarType.Float, shape), () -> merger.delta(weight)
                                    .dense()
                                    .contiguous())));
            Safetensors.writeLazily(target.resolve(UNIFIED), unified, Map.of());
            try (var written = SafetensorsFile.open(target.resolve(UNIFIED))) {
                var masks = new TaskMasks(merger.adapters().size());
                for (int i = 0; i < merger.adapters().size(); i++) {
                    var adapter = merger.adapters().get(i);
                    var place = Files.createDirectory(target.resolve(adapter.name()));
                    write(place.resolve(MASK), i, adapter, written, masks);
                    AtomicFiles.writeString(
                            place.resolve(FACTOR),
                            Json.pretty(Map.of("factor", masks.factor(i), "kind", adapter.kind())));
                    writeHead(place.resolve(HEAD), heads.get(i), base);
                }
            }
            more.accept(target);
        });
    }

    private static void write(Path file, int place, DeltaSource adapter, SafetensorsFile unified, TaskMasks masks) {
        Map<String, LazyTensor> bits = new LinkedHashMap<>();
        adapter.shapes().forEach((weight, shape) -> {
            long bytes = (unified.info(weight).elements() + Byte.SIZE - 1) / Byte.SIZE;
            bits.put(weight, new LazyTensor(new TensorInfo(ScalarType.Byte, List.of(bytes)), () -> {
                var delta = adapter.delta(weight).dense();
                return PackedBits.pack(masks.add(place, delta, unified.tensor(weight)));
            }));
        });
        Safetensors.writeLazily(file, bits, Map.of());
    }

    private static void writeHead(Path folder, AdapterDeltas adapter, String base) {
        try (var scope = Scope.open()) {
            var heads = new MergedHeads(List.of(adapter), base);
            Map<String, LazyTensor> weights = new LinkedHashMap<>();
            heads.weights().forEach((path, values) -> {
                var single = values.to(ScalarType.Float);
                weights.put(
                        path, new LazyTensor(new TensorInfo(ScalarType.Float, boxed(single.shape())), () -> single));
            });
            new AdapterWriter(
                            "ESPALIER_HEAD",
                            Map.of(),
                            List.of(),
                            false,
                            weights,
                            List.copyOf(heads.modules()),
                            heads.card(),
                            "The heads of adapter " + adapter.name() + ".\n")
                    .write(folder, written -> {});
        }
    }

    private static List<Long> boxed(long[] shape) {
        return Arrays.stream(shape).boxed().toList();
    }
}
