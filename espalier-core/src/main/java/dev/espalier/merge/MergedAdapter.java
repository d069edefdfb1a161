package dev.espalier.merge;

import dev.espalier.adapter.AdapterWriter;
import dev.espalier.adapter.DeltaSource;
import dev.espalier.adapter.WeightDelta;
import dev.espalier.checkpoint.LazyTensor;
import dev.espalier.checkpoint.TensorInfo;
import dev.espalier.error.InputException;
import dev.espalier.model.Copyable;
import dev.espalier.model.LanguageModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Merged changes as an adapter folder, with the heads of the adapters that were merged. What a form of adapter has no place
 * for, such as changes of biases and norms, is saved as whole modules beside the rest.
 */
public final class MergedAdapter {
    private static final String FULL = "ESPALIER_FULL";

    private final DeltaSource changes;
    private final LanguageModel base;
    private final MergedHeads heads;

    /** Modules that get a delta, in the order of their changes. */
    private final List<String> matrices = new ArrayList<>();

    private final Set<String> whole = new LinkedHashSet<>();

    /**
     * @param base the model that the changes are for; only read
     * @throws InputException if the model lacks a module that changes, or has it in another shape
     */
    public MergedAdapter(DeltaSource changes, LanguageModel base, MergedHeads heads) {
        this.changes = changes;
        this.base = base;
        this.heads = heads;
        var adaptables = base.adaptables();
        for (var weight : changes.shapes().keySet()) {
            var path = Merger.module(weight);
            boolean alone = weight.endsWith(".weight") && isUnchanged(path + ".bias");
            if (alone && adaptables.containsKey(path)) {
                matrices.add(path);
            } else if (!weight.endsWith(".bias") || !isUnchanged(weight)) {
                whole.add(path);
            }
        }
    }

    /** Copies of whole modules hold their biases, be they those of the base. */
    private boolean isUnchanged(String bias) {
        if (!changes.shapes().containsKey(bias)) {
            return true;
        }
        try (var scope = Scope.open()) {
            return changes.delta(bias).dense().count_nonzero().item_long() == 0;
        }
    }

    /**
     * The modules that are saved as whole copies in every form: their biases change too, or they are none that a delta can be
     * beside, such as norms.
     */
    public Set<String> wholeModules() {
        return Collections.unmodifiableSet(whole);
    }

    /**
     * What was written.
     *
     * @param weights numbers in the folder, heads included
     * @param relativeErrors of each changed weight, {@code ‖ΔW - saved‖ / ‖ΔW‖}; none where all is saved as it is
     * @param relativeError of all of them together; 0 where all is saved as it is
     */
    public record Written(long weights, Map<String, Double> relativeErrors, double relativeError) {
        private static final Written EXACT = new Written(0, Map.of(), 0);
    }

    /** What else the folder is to hold. */
    @FunctionalInterface
    public interface Content {
        /** Writes it into {@code folder}, after the weights. */
        void write(Path folder, Written written) throws IOException;
    }

    /**
     * Writes LoRA, each change cut to {@code rank} by its singular value decomposition.
     *
     * @param rank of all modules, or the smaller side of those that have less
     * @throws InputException if the folder can't be written
     */
    public Written lora(Path folder, int rank, Content more) {
        if (rank < 1) {
            throw new InputException("The rank of the merged adapter must be at least 1, not " + rank + ".");
        }
        try (var scope = Scope.open()) {
            var factors = new LinkedHashMap<String, WeightDelta.LowRank>();
            var errors = new LinkedHashMap<String, Double>();
            double norm = 0;
            double error = 0;
            for (var path : matrices) {
                var cut = cut(scope, path, rank);
                factors.put(path, cut.factors());
                errors.put(path + ".weight", cut.relativeError());
                norm += cut.squaredNorm();
                error += cut.squaredError();
            }
            return write(folder, factors, new Written(0, errors, norm == 0 ? 0 : Math.sqrt(error / norm)), more);
        }
    }

    private LowRankApproximation cut(Scope outer, String path, int rank) {
        try (var scope = Scope.open()) {
            var delta = changes.delta(path + ".weight");
            var shape = shape(path + ".weight");
            var cut = LowRankApproximation.of(delta, Math.min(rank, Math.min(shape.get(0), shape.get(1))));
            scope.keep(cut.factors().b());
            scope.keep(cut.factors().a());
            return cut;
        }
    }

    private List<Long> shape(String weight) {
        return Optional.ofNullable(changes.shapes().get(weight)).orElseThrow();
    }

    /**
     * Writes LoRA that is exactly the sum: factors side by side, with as many ranks as all adapters have together. A module's
     * factors are put together when they are written, so those of one module exist at a time.
     *
     * @throws InputException if a change is no product of factors, or the folder can't be written
     */
    public Written concatenated(Path folder, Content more) {
        var ranks = new LinkedHashMap<String, Integer>();
        var weights = new LinkedHashMap<String, LazyTensor>();
        for (var path : matrices) {
            try (var scope = Scope.open()) {
                int rank = (int) factors(path).rank();
                ranks.put(path, rank);
                addFactors(weights, path, rank, () -> factors(path));
            }
        }
        return writeLora(folder, ranks, weights, Written.EXACT, more);
    }

    private WeightDelta.LowRank factors(String path) {
        if (changes.delta(path + ".weight") instanceof WeightDelta.LowRank factors) {
            return factors.scaled(1);
        }
        throw new InputException("The merged change of " + path + " by method '" + changes.kind()
                + "' is no sum of low-rank changes, so its factors can't be put side by side; choose format lora with a rank,"
                + " sparse, full or dense, or a method that sums, such as average.");
    }

    private Written write(Path folder, Map<String, WeightDelta.LowRank> factors, Written measured, Content more) {
        var ranks = new LinkedHashMap<String, Integer>();
        var weights = new LinkedHashMap<String, LazyTensor>();
        factors.forEach((path, found) -> {
            ranks.put(path, (int) found.rank());
            addFactors(weights, path, (int) found.rank(), () -> found);
        });
        return writeLora(folder, ranks, weights, measured, more);
    }

    /** Embeddings have their factors the other way round: {@code A} by token. */
    private void addFactors(
            Map<String, LazyTensor> weights, String path, int rank, Supplier<WeightDelta.LowRank> factors) {
        var shape = shape(path + ".weight");
        if (base.embeddings().containsKey(path)) {
            put(weights, path + ".lora_embedding_A", () -> factors.get().b().t(), rank, shape.get(0));
            put(weights, path + ".lora_embedding_B", () -> factors.get().a().t(), shape.get(1), rank);
        } else {
            put(weights, path + ".lora_A.weight", () -> factors.get().a(), rank, shape.get(1));
            put(weights, path + ".lora_B.weight", () -> factors.get().b(), shape.get(0), rank);
        }
    }

    private static void put(Map<String, LazyTensor> weights, String name, Supplier<Tensor> values, long... shape) {
        var info = new TensorInfo(ScalarType.Float, Arrays.stream(shape).boxed().toList());
        weights.put(name, new LazyTensor(info, values));
    }

    private Written writeLora(
            Path folder, Map<String, Integer> ranks, Map<String, LazyTensor> weights, Written measured, Content more) {
        int most = ranks.values().stream().mapToInt(Integer::intValue).max().orElse(1);
        var others = new LinkedHashMap<>(ranks);
        others.values().removeIf(rank -> rank == most);
        return write(folder, "LORA", AdapterWriter.lora(most, others), weights, whole, measured, more);
    }

    /**
     * Writes copies of the changed modules, {@code W + ΔW}, fp32: exact, whatever the method. One matrix exists at a time.
     *
     * @throws InputException if the folder can't be written
     */
    public Written full(Path folder, Content more) {
        var all = new LinkedHashSet<>(matrices);
        all.addAll(whole);
        return write(folder, FULL, Map.of(), new LinkedHashMap<>(), all, Written.EXACT, more);
    }

    /**
     * Writes the places and values of all that is not 0, as PEFT's SHiRA where its folder can hold them. They are in memory
     * until they are written, 12 bytes each.
     *
     * @throws InputException if the folder can't be written
     */
    public Written sparse(Path folder, Content more) {
        try (var scope = Scope.open()) {
            var entries = new SparseEntries();
            for (var path : matrices) {
                try (var inner = Scope.open()) {
                    entries.add(inner, path, changes.delta(path + ".weight").dense());
                }
            }
            var weights = new LinkedHashMap<String, LazyTensor>();
            entries.tensors()
                    .forEach((name, values) -> weights.put(
                            name,
                            new LazyTensor(
                                    new TensorInfo(
                                            Engine.dtype(values),
                                            Arrays.stream(values.shape())
                                                    .boxed()
                                                    .toList()),
                                    () -> values)));
            return write(folder, entries.peftType(), entries.keys(), weights, whole, Written.EXACT, more);
        }
    }

    private Written write(
            Path folder,
            String peftType,
            Map<String, Object> keys,
            Map<String, LazyTensor> weights,
            Set<String> wholeModules,
            Written measured,
            Content more) {
        var targets = peftType.equals(FULL) ? List.copyOf(wholeModules) : List.copyOf(matrices);
        wholeModules.forEach(path -> addCopies(weights, path));
        heads.weights()
                .forEach((path, values) -> put(weights, path, () -> values.to(ScalarType.Float), values.shape()));
        var saved = new LinkedHashSet<>(peftType.equals(FULL) ? Set.of() : wholeModules);
        saved.addAll(heads.modules());
        var written = new Written(
                weights.values().stream()
                        .mapToLong(tensor -> tensor.info().elements())
                        .sum(),
                measured.relativeErrors(),
                measured.relativeError());
        boolean transposed = matrices.stream()
                .anyMatch(path -> Optional.ofNullable(base.linears().get(path))
                        .filter(linear -> linear.isStoredTransposed())
                        .isPresent());
        new AdapterWriter(
                        peftType,
                        keys,
                        targets,
                        transposed,
                        weights,
                        List.copyOf(saved),
                        heads.card(),
                        readme(peftType))
                .write(folder, target -> more.write(target, written));
        return written;
    }

    private void addCopies(Map<String, LazyTensor> weights, String path) {
        var module = Optional.ofNullable(base.copyables().get(path))
                .orElseThrow(() -> new InputException("The merge changes " + path
                        + ", which the base model does not have as a module of its own; use the base model that the adapters"
                        + " were trained on, or format dense."));
        for (var own : module.parameters()) {
            put(weights, own.name(), () -> copy(module, own), own.shape());
        }
    }

    private Tensor copy(Copyable module, Parameter own) {
        var value = own.value().to(ScalarType.Float);
        return changes.shapes().containsKey(own.name()) ? value.add(changes.stored(own.name(), base)) : value;
    }

    private String readme(String peftType) {
        var tasks = heads.card().heads().stream()
                .map(head -> "- " + head.task() + "\n")
                .reduce("", String::concat);
        return """
                ---
                base_model: %s
                tags:
                - espalier
                - merge
                ---

                # Merged adapter for %s

                Merged with Espalier by method `%s`, saved as %s. `merge.json` has the adapters and their weights.

                %s""".formatted(
                        heads.card().baseModel(),
                        heads.card().baseModel(),
                        changes.kind(),
                        peftType,
                        tasks.isEmpty() ? "" : "Tasks:\n\n" + tasks);
    }
}
