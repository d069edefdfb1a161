package dev.espalier.adapter;

import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.model.Adaptable;
import dev.espalier.model.Copyable;
import dev.espalier.model.Delta;
import dev.espalier.model.Embedding;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The changes that a saved adapter of any kind makes, read from its mapped file one weight at a time. Those of whole
 * modules that were trained are copy minus base. A mixture's experts get the same weights for every token: {@code 1/E}
 * each, a uniform soup as AdaMix takes it (Wang et al., <a href="https://arxiv.org/abs/2205.12410">arXiv 2205.12410</a>), or
 * the gates that are given.
 *
 * <p>Opening it looks at every tensor once: all must be finite, have a place in the base model and fit it.
 */
public final class AdapterDeltas implements DeltaSource {
    private final String name;
    private final LanguageModel model;
    private final SavedTensors tensors;
    private final AdapterSpec spec;
    private final Map<String, float[]> gates;
    private final Map<String, Adaptable<?>> targets;
    private final Map<String, Copyable> copies;
    private final AdapterCard card;
    private final Map<SavedHead, Map<String, Tensor>> heads = new LinkedHashMap<>();
    private final Map<SavedHead, Map<String, Tensor>> wholeHeads = new LinkedHashMap<>();
    private final Map<String, List<Long>> shapes = new LinkedHashMap<>();
    /** Modules whose experts are weighed by another module's router are made together, once. */
    private final Map<String, Delta> together = new LinkedHashMap<>();

    private final Owner owner = new Owner();

    private AdapterDeltas(
            String name,
            LanguageModel model,
            SavedTensors saved,
            AdapterSpec asSaved,
            AdapterCard card,
            Map<String, float[]> gates) {
        this.name = name;
        this.model = model;
        this.card = card;
        this.gates = Map.copyOf(gates);
        tensors = saved.into(model);
        var savedHeads = new SavedHeads(tensors);
        savedHeads.addMissing(card.heads(), model);
        spec = tensors.savedIn(asSaved, model);
        targets = spec.targets().find(model);
        copies = TrainedCopies.select(spec.modulesToSave(), model);
        targets.keySet().removeAll(copies.keySet());
        targets.keySet().removeIf(path -> !spec.adapts(path));
        if (targets.isEmpty() && copies.isEmpty() && !(spec instanceof HeadOnlySpec)) {
            throw new InputException("Adapter '" + name + "' adapts " + spec.targets()
                    + ", of which the base model has none: " + tensors.advice());
        }
        tensors.requireFinite("adapter '" + name + "'");
        findHeads(savedHeads);
    }

    /**
     * Opens the changes of the adapter in {@code folder}.
     *
     * @param base the folder of its base model
     * @param gates weights of experts, or of all their ranks, by the path of the mixture's module; {@code 1/E} where there
     *     are none
     * @throws InputException if the adapter is none, does not fit the base, or has numbers that are not finite
     */
    public static AdapterDeltas open(String name, Path folder, LanguageModel base, Map<String, float[]> gates) {
        var saved = AdapterFolder.open(folder);
        try (var scope = Scope.open()) {
            var deltas = new AdapterDeltas(name, base, saved.tensors(), saved.spec(), saved.card(), gates);
            try {
                deltas.check();
                return deltas;
            } catch (RuntimeException e) {
                deltas.owner.close();
                throw e;
            }
        } catch (RuntimeException e) {
            saved.close();
            throw e;
        }
    }

    private void findHeads(SavedHeads saved) {
        for (var head : card.heads()) {
            int prefix = head.name().isEmpty() ? 0 : ("heads." + head.name() + ".").length();
            var found = new LinkedHashMap<String, Tensor>();
            saved.find(List.of(head), model)
                    .forEach((parameter, value) -> found.put(parameter.name().substring(prefix), value));
            heads.put(head, found);
            var whole = new LinkedHashMap<String, Tensor>();
            Optional.ofNullable(model.heads().get(head.name()))
                    .filter(own -> head.kind() != TaskKind.CAUSAL_LM)
                    .ifPresent(own -> own.linears().stream()
                            .flatMap(linear -> linear.parameters().stream())
                            .forEach(p -> whole.put(p.name().substring(prefix), p.value())));
            whole.putAll(found);
            wholeHeads.put(head, whole);
        }
    }

    /** Makes every change's parts once, so that all that does not fit is known before anything is merged. */
    private void check() {
        boolean apart = spec.modulesStandAlone();
        var shared = apart ? null : shared(owner);
        targets.forEach((path, target) -> {
            if (shared != null) {
                together.put(path, delta(path, target, new DeltaWeights(path, shared, tensors, owner)));
                add(path, target, Objects.requireNonNull(together.get(path)));
                return;
            }
            try (var here = new Owner();
                    var scope = Scope.open()) {
                add(path, target, delta(path, target, new DeltaWeights(path, shared(here), tensors, here)));
            }
        });
        copies.forEach((path, module) -> module.parameters().forEach(own -> {
            tensors.tensor(own.name(), own.shape());
            shapes.put(own.name(), shape(module, own));
        }));
        tensors.requireAllUsed();
    }

    private SharedWeights shared(Owner of) {
        var all = new LinkedHashMap<String, List<Integer>>();
        targets.forEach((path, target) -> all.put(path, target.shape()));
        return new SharedWeights(name, all, tensors, of);
    }

    private void add(String path, Adaptable<?> target, Delta delta) {
        shapes.put(
                path + ".weight",
                target.shape().stream().map(Integer::longValue).toList());
        if (merges(path, delta).changesBias() && target instanceof Linear linear && linear.bias() != null) {
            shapes.put(path + ".bias", List.of((long) linear.outFeatures()));
        }
    }

    private Delta delta(String path, Adaptable<?> target, DeltaWeights weights) {
        return target instanceof Embedding embedding
                ? spec.delta(embedding, weights)
                : spec.delta((Linear) target, weights);
    }

    /** The delta as it is for all tokens. */
    private Mergeable merges(String path, Delta delta) {
        var fixed = delta instanceof Routed routed ? routed.withGates(gates(path, routed.experts())) : delta;
        if (fixed instanceof Mergeable mergeable && !(fixed instanceof RankGatedDelta lowRank && !lowRank.isStatic())) {
            return mergeable;
        }
        throw new InputException("Adapter '" + name + "' of method '" + spec.method() + "' changes " + path
                + " in a way that is no change of its weight (its experts are not linear), so it can't be merged; leave"
                + " the adapter out.");
    }

    private float[] gates(String path, int experts) {
        var given = gates.get(path);
        if (given != null) {
            if (given.length % experts != 0) {
                throw new InputException("There are " + given.length + " gates for " + path + " of adapter '" + name
                        + "', which has " + experts + " experts; give one for each.");
            }
            return given;
        }
        var uniform = new float[experts];
        Arrays.fill(uniform, 1f / experts);
        return uniform;
    }

    private static List<Long> shape(Copyable module, Parameter own) {
        var shape = own.shape();
        boolean transposed = transposed(module, own.name());
        return transposed
                ? List.of(shape[1], shape[0])
                : Arrays.stream(shape).boxed().toList();
    }

    private static boolean transposed(Copyable module, String weight) {
        return module instanceof Linear linear && linear.isStoredTransposed() && weight.endsWith(".weight");
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String kind() {
        return spec.method();
    }

    /** The rank of LoRA; empty for what is none. */
    public OptionalInt rank() {
        return spec instanceof LoraSpec lora ? OptionalInt.of(lora.rank()) : OptionalInt.empty();
    }

    /** What the adapter's folder says of heads and base. */
    public AdapterCard card() {
        return card;
    }

    /**
     * The saved weights of a head, views of the file, by their names in a model whose only head it is, such as
     * {@code classifier.weight}; none for the head of the checkpoint.
     */
    public Map<String, Tensor> head(SavedHead head) {
        return Collections.unmodifiableMap(heads.getOrDefault(head, Map.of()));
    }

    /**
     * The same with those weights that the head took from the base model: all that a head needs under another name, where
     * the base model has nothing for it.
     */
    public Map<String, Tensor> wholeHead(SavedHead head) {
        return Collections.unmodifiableMap(wholeHeads.getOrDefault(head, Map.of()));
    }

    @Override
    public Map<String, List<Long>> shapes() {
        return Collections.unmodifiableMap(shapes);
    }

    @Override
    public WeightDelta delta(String weight) {
        var path = weight.substring(0, weight.lastIndexOf('.'));
        var copied = Optional.ofNullable(copies.get(path));
        if (copied.isPresent()) {
            return new WeightDelta.Dense(copied(copied.get(), weight));
        }
        var target = Objects.requireNonNull(targets.get(path), weight);
        var made = together.get(path);
        if (made != null) {
            return change(target, weight, merges(path, made));
        }
        try (var here = new Owner();
                var scope = Scope.open()) {
            var delta = delta(path, target, new DeltaWeights(path, shared(here), tensors, here));
            return keep(scope, change(target, weight, merges(path, delta)));
        }
    }

    private Tensor copied(Copyable module, String weight) {
        var own = module.parameters().stream()
                .filter(p -> p.name().equals(weight))
                .findFirst()
                .orElseThrow();
        try (var scope = Scope.open()) {
            var change = tensors.tensor(weight, own.shape())
                    .to(ScalarType.Float)
                    .sub(own.value().to(ScalarType.Float));
            return scope.keep(transposed(module, weight) ? change.t().contiguous() : change);
        }
    }

    private static WeightDelta change(Adaptable<?> target, String weight, Mergeable delta) {
        if (weight.endsWith(".bias")) {
            var bias = Objects.requireNonNull(((Linear) target).bias()).value().to(ScalarType.Float);
            return new WeightDelta.Dense(delta.mergedBias(bias).sub(bias));
        }
        var factors = delta.factors();
        if (factors.isPresent()) {
            return factors.get();
        }
        var matrix = target instanceof Linear linear
                ? linear.matrix()
                : ((Embedding) target).weight().value();
        var rows = Engine.dtype(matrix) == ScalarType.Float ? matrix : matrix.to(ScalarType.Float);
        return new WeightDelta.Dense(delta.change(rows, 0));
    }

    /** Factors may be the parameters themselves, which are freed with their module. */
    private static WeightDelta keep(Scope scope, WeightDelta delta) {
        if (delta instanceof WeightDelta.LowRank factors) {
            return new WeightDelta.LowRank(
                    scope.keep(new Tensor(factors.b())), scope.keep(new Tensor(factors.a())), factors.scaling());
        }
        return new WeightDelta.Dense(scope.keep(new Tensor(delta.dense())));
    }

    /** Frees what was read; the base model stays open. */
    @Override
    public void close() {
        owner.close();
        tensors.close();
    }
}
