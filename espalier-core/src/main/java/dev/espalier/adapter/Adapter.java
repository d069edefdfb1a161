package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.model.Adaptable;
import dev.espalier.model.Delta;
import dev.espalier.model.Embedding;
import dev.espalier.model.EmbeddingDelta;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.model.RouterObservation;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The deltas of one adapter and their weights, which it owns. It acts on the model it is attached to while it is
 * enabled; several adapters, of different names, may be attached to one model at once and add up in the order they were
 * enabled. None of this may happen during a forward pass.
 */
public final class Adapter implements AutoCloseable {
    private final String name;
    private final AdapterSpec spec;
    private final Map<String, Module> modules;
    private final SharedWeights shared;
    private final TrainedCopies copies;
    private final MergedWeights merged;
    private final RandomStream random;
    private final Owner owner;
    private final List<Parameter> trained;
    private @Nullable List<Place<?>> attached;
    private List<TrainedCopies.Place> copied = List.of();
    private boolean enabled;
    private OptionalInt trainingSteps = OptionalInt.empty();
    private int stepsPerEpoch;
    private Map<String, JsonNode> savedKeys = Map.of();

    /**
     * The delta of one module.
     *
     * @param shape of the module
     * @param storedTransposed whether the module's weight is stored {@code [in, out]}
     * @param weights of the delta that files hold
     * @param parameters all of the delta's weights
     */
    record Module(
            Delta delta,
            List<Integer> shape,
            boolean storedTransposed,
            List<DeltaWeights.Stored> weights,
            List<Parameter> parameters) {}

    /** A delta and the module it changes. */
    private record Place<D extends Delta>(Adaptable<D> module, D delta) {
        void attach(String adapter) {
            module.attach(adapter, delta);
        }
    }

    private Adapter(
            String name,
            AdapterSpec spec,
            Map<String, Module> modules,
            SharedWeights shared,
            TrainedCopies copies,
            RandomStream random,
            Owner owner) {
        this.name = name;
        this.spec = spec;
        this.modules = modules;
        this.shared = shared;
        this.copies = copies;
        merged = new MergedWeights(spec.method(), modules, copies);
        this.random = random;
        this.owner = owner;
        trained = parameters().stream().filter(Parameter::trainable).toList();
    }

    /**
     * A new adapter, attached to {@code model} and enabled.
     *
     * @param name unique among the adapters of a model; without a dot
     * @param random where first values come from; each weight draws from a stream of its own
     * @throws InputException if a target matches no linear of the model
     */
    public static Adapter create(String name, AdapterSpec spec, LanguageModel model, RandomStream random) {
        var settled = spec.in(model);
        return create(name, settled, model, settled.targets().select(model), DeltaWeights.drawn(random));
    }

    static Adapter create(
            String name,
            AdapterSpec spec,
            LanguageModel model,
            Map<String, Adaptable<?>> targets,
            DeltaWeights.Source source) {
        if (name.isEmpty() || name.contains(".")) {
            throw new InputException("An adapter's name must be some text without a dot, not '" + name + "'.");
        }
        var owner = new Owner();
        try {
            var whole = TrainedCopies.select(spec.modulesToSave(), model);
            var modules = new LinkedHashMap<String, Module>();
            targets.keySet().removeAll(whole.keySet());
            targets.keySet().removeIf(path -> !spec.adapts(path));
            var shapes = new LinkedHashMap<String, List<Integer>>();
            targets.forEach((path, target) -> shapes.put(path, target.shape()));
            var shared = new SharedWeights(name, shapes, source, owner);
            targets.forEach((path, target) -> {
                var weights = new DeltaWeights(path, shared, source, owner);
                boolean transposed = target instanceof Linear linear && linear.isStoredTransposed();
                var delta = delta(spec, target, weights);
                modules.put(path, new Module(delta, target.shape(), transposed, weights.made(), weights.parameters()));
            });
            var copies = TrainedCopies.of(name, whole, source, owner);
            var adapter = new Adapter(name, spec, modules, shared, copies, source.random(), owner);
            adapter.attach(model);
            return adapter;
        } catch (RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    private static Delta delta(AdapterSpec spec, Adaptable<?> target, DeltaWeights weights) {
        return target instanceof Embedding embedding
                ? spec.delta(embedding, weights)
                : spec.delta((Linear) target, weights);
    }

    public String name() {
        return name;
    }

    public AdapterSpec spec() {
        return spec;
    }

    /** The deltas by their module's path, in forward order. */
    public Map<String, Delta> deltas() {
        var deltas = new LinkedHashMap<String, Delta>();
        modules.forEach((path, module) -> deltas.put(path, module.delta()));
        return Collections.unmodifiableMap(deltas);
    }

    /**
     * The adapter's weights, fp32: what modules share, each module's in forward order, trained copies of whole modules.
     * Heads are not among them; frozen weights are, where the method has any.
     */
    public List<Parameter> parameters() {
        var own = modules.values().stream().flatMap(module -> module.parameters().stream());
        var whole = copies.byModule().values().stream().flatMap(List::stream).map(DeltaWeights.Stored::parameter);
        return Stream.of(shared.parameters().stream(), own, whole)
                .flatMap(Function.identity())
                .toList();
    }

    /** Begins a run of one epoch; see {@link #startTraining(int, int)}. */
    public Optional<BudgetSchedule> startTraining(int steps) {
        return startTraining(steps, steps);
    }

    /**
     * Begins a run of so many steps.
     *
     * @param stepsPerEpoch steps of a pass over the data; the run may end before it is over
     * @return what is to be told of every step, if the method changes its budget; the caller closes it
     * @throws InputException if the method's schedule does not fit into so many steps
     */
    public Optional<BudgetSchedule> startTraining(int steps, int stepsPerEpoch) {
        trainingSteps = OptionalInt.of(steps);
        this.stepsPerEpoch = stepsPerEpoch;
        return spec.budget(this, steps);
    }

    /** The method's loss on the weights, if it has one. */
    public Optional<WeightPenalty> penalty() {
        return spec.penalty(this);
    }

    /** What the method makes of its gradients before they are clipped and applied, if anything. */
    public Optional<GradientTransform> gradientTransform() {
        return spec.gradientTransform(this);
    }

    /** The steps of the run that trains this adapter, if one does. */
    OptionalInt trainingSteps() {
        return trainingSteps;
    }

    /** What is drawn in training comes from here; the same for every loaded adapter. */
    RandomStream random() {
        return random;
    }

    /** Steps of a pass over the data in that run. */
    int stepsPerEpoch() {
        return stepsPerEpoch;
    }

    /** Factors on the learning rate of those weights that have another one than the rest, by the weights' names. */
    public Map<String, Double> learningRateFactors() {
        var factors = new LinkedHashMap<String, Double>();
        modules.values().stream().flatMap(module -> module.weights().stream()).forEach(stored -> {
            double factor = spec.learningRateFactor(stored.key());
            if (factor != 1) {
                factors.put(stored.parameter().name(), factor);
            }
        });
        return factors;
    }

    /** How many numbers of the adapter train, in one stage or another; heads aside. */
    public long trainedWeights() {
        return trained.stream().mapToLong(Parameter::size).sum();
    }

    /**
     * Lets the deltas act, and their weights train, as in one of the spec's {@linkplain AdapterSpec#trainingStages stages}.
     * A new or loaded adapter acts as in the last one.
     *
     * @param place of the stage
     */
    public void enter(int place) {
        var stage = spec.trainingStages().get(place);
        modules.values().forEach(module -> {
            if (module.delta() instanceof StagedDelta staged) {
                staged.enter(place);
            }
            module.weights().stream()
                    .filter(stored -> trained.contains(stored.parameter()))
                    .forEach(stored -> stored.parameter().trainable(stage.trains(stored.key())));
        });
    }

    /** Lets routers that even their load without a loss take a step; after the optimizer's. */
    public void balance(List<RouterObservation> observations) {
        Map<String, long[]> load = new LinkedHashMap<>();
        observations.forEach(o -> load.merge(o.module(), o.chosen(), Adapter::sum));
        modules.forEach((path, module) -> {
            var chosen = load.get(path);
            if (chosen != null && module.delta() instanceof RankGatedDelta delta) {
                delta.router().ifPresent(router -> router.balance(chosen));
            }
        });
    }

    private static long[] sum(long[] a, long[] b) {
        var sum = a.clone();
        Arrays.setAll(sum, i -> a[i] + b[i]);
        return sum;
    }

    Map<String, Module> modules() {
        return modules;
    }

    SharedWeights shared() {
        return shared;
    }

    TrainedCopies copies() {
        return copies;
    }

    /** The config that this adapter was loaded with; empty for a new one. */
    Map<String, JsonNode> savedKeys() {
        return savedKeys;
    }

    void savedKeys(Map<String, JsonNode> keys) {
        savedKeys = keys;
    }

    /**
     * Attaches this adapter to {@code model} and enables it.
     *
     * @throws InputException if the model lacks a module that the adapter changes, or has it in another shape
     * @throws IllegalStateException if it is attached already, or the model has an adapter of that name
     */
    public void attach(LanguageModel model) {
        if (attached != null) {
            throw new IllegalStateException("adapter '" + name + "' is attached already; detach it first");
        }
        var targets = model.adaptables();
        var places = new ArrayList<Place<?>>();
        modules.forEach((path, module) -> places.add(place(path, module, targets.get(path))));
        copied = copies.places(model);
        attached = places;
        enable();
    }

    private Place<?> place(String path, Module module, @Nullable Adaptable<?> target) {
        if (target == null) {
            throw new InputException("Adapter '" + name + "' changes " + path + " " + module.shape()
                    + ", which the model does not have; use the base model it was trained on.");
        }
        if (!target.shape().equals(module.shape())) {
            throw new InputException("Adapter '" + name + "' changes " + path + " of shape " + module.shape()
                    + ", but the model has it in shape " + target.shape() + "; use the base model it was trained on.");
        }
        if (target.deltas().containsKey(name)) {
            throw new IllegalStateException("the model has an adapter '" + name + "' already");
        }
        if (target instanceof Linear linear && module.delta() instanceof LinearDelta delta) {
            return new Place<>(linear, delta);
        }
        if (target instanceof Embedding embedding && module.delta() instanceof EmbeddingDelta delta) {
            return new Place<>(embedding, delta);
        }
        throw new InputException("Adapter '" + name + "' changes " + path
                + ", which is another kind of module in this model; use the base model it was trained on.");
    }

    /**
     * A weight of the model with this adapter in it.
     *
     * @param weight a weight's full name, such as {@code model.layers.0.self_attn.q_proj.weight}
     * @param value the frozen weight as it is stored, fp32
     * @return fp32, of the same shape: {@code value} itself where the adapter does not change it, else of the caller's
     *     scope
     * @throws InputException if what the adapter does can't be put into a weight
     */
    public Tensor merged(String weight, Tensor value) {
        return merged.of(weight, value);
    }

    /** Whether {@link #merged} changes {@code weight}. */
    public boolean changes(String weight) {
        return merged.changes(weight);
    }

    /** Takes this adapter off its model; it keeps its weights and can be attached again. */
    public void detach() {
        disable();
        attached = null;
    }

    /** Lets the deltas act again after {@link #disable}, after those that are enabled now. */
    public void enable() {
        if (attached == null) {
            throw new IllegalStateException("adapter '" + name + "' is attached to no model");
        }
        if (!enabled) {
            attached.forEach(place -> place.attach(name));
            copied.forEach(place -> place.module().attachCopy(name, place.copy(), owner));
            enabled = true;
        }
    }

    /** The model computes as if this adapter were not there, to the bit, until {@link #enable}. */
    public void disable() {
        if (enabled && attached != null) {
            attached.forEach(place -> place.module().detach(name));
            copied.forEach(place -> place.module().detachCopy(name));
            enabled = false;
        }
    }

    /** Whether the deltas act. */
    public boolean isEnabled() {
        return enabled;
    }

    /** Detaches the adapter and frees its weights. */
    @Override
    public void close() {
        detach();
        owner.close();
    }
}
