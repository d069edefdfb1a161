package dev.espalier.adapter;

import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.error.InputException;
import dev.espalier.model.Adaptable;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.tensor.Engine;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Saved LoRA adapters of one model as the experts of mixtures, whatever their ranks, scalings and modules: of a mixture's
 * modules each stacks the adapters' factors, fills shorter ranks up with zeros and has every adapter's scaling in its
 * {@code B}. An expert by weight 1 is its adapter.
 */
public final class LoraExperts {
    private static final String A = "lora_A.weight";
    private static final String B = "lora_B.weight";

    private final LanguageModel model;
    private final Map<String, Saved> adapters = new LinkedHashMap<>();

    /** An adapter's files, and the linears that it changes. */
    private record Saved(AdapterFolder folder, LoraSpec spec, SavedTensors tensors, Map<String, Linear> linears) {}

    /**
     * An adapter's factors of one linear: {@code s B A} is added to its weight.
     *
     * @param a {@code [rank, in]}, fp32
     * @param b {@code [out, rank]}, fp32
     * @param scaling {@code s}
     */
    public record Factors(Tensor a, Tensor b, double scaling) {
        /** The rank. */
        public int rank() {
            return (int) a.size(0);
        }
    }

    /**
     * Takes adapters by name. Their folders stay open as long as this is used; {@code model} has none of them on.
     *
     * @throws InputException if one is not plain LoRA on linears of {@code model}
     */
    public LoraExperts(Map<String, AdapterFolder> folders, LanguageModel model) {
        this.model = model;
        folders.forEach((name, folder) -> adapters.put(name, saved(name, folder)));
    }

    private Saved saved(String name, AdapterFolder folder) {
        var tensors = folder.tensorsIn(model);
        var spec = tensors.savedIn(folder.spec(), model);
        if (!(spec instanceof LoraSpec lora)) {
            throw unfit(
                    name,
                    "is of method '" + spec.method() + "', whose folder holds no pair of factors A and B a linear");
        }
        if (lora.dora()) {
            throw unfit(name, "is a DoRA, which gives rows of the weight a new length beside what it adds");
        }
        var whole = TrainedCopies.select(lora.modulesToSave(), model).keySet();
        if (!whole.isEmpty()) {
            throw unfit(name, "holds whole modules (" + String.join(", ", whole) + ")");
        }
        var linears = new LinkedHashMap<String, Linear>();
        lora.targets().find(model).forEach((path, module) -> linears.put(path, linear(name, module)));
        if (linears.isEmpty()) {
            throw new InputException("Adapter '" + name + "' adapts " + lora.targets()
                    + ", of which the model has none: " + tensors.advice());
        }
        var others = tensors.others(A, linears.keySet());
        if (!others.isEmpty()) {
            throw unfit(name, "adapts " + others.get(0) + ", which is no linear of the model's body");
        }
        return new Saved(folder, lora, tensors, linears);
    }

    private static Linear linear(String name, Adaptable<?> module) {
        if (module instanceof Linear linear) {
            return linear;
        }
        throw unfit(name, "adapts the embedding " + module.name());
    }

    private static InputException unfit(String name, String reason) {
        return new InputException("Adapter '" + name + "' " + reason
                + "; only LoRA on linears, and what is saved as that, can be one of several experts.");
    }

    /** The adapters' names, in order. */
    public Set<String> names() {
        return Collections.unmodifiableSet(adapters.keySet());
    }

    /** The paths of the linears that {@code adapter} changes, in forward order. */
    public Set<String> modules(String adapter) {
        return Collections.unmodifiableSet(adapter(adapter).linears.keySet());
    }

    /** The paths of the linears that any adapter changes, in forward order. */
    public Set<String> modules() {
        var all = new LinkedHashSet<>(model.linears().keySet());
        all.removeIf(path -> adapters.values().stream().noneMatch(saved -> saved.linears.containsKey(path)));
        return all;
    }

    /** The adapters that change the linear at {@code module}, in order. */
    public List<String> having(String module) {
        return adapters.keySet().stream()
                .filter(name -> adapter(name).linears.containsKey(module))
                .toList();
    }

    /**
     * The factors of one linear, of the caller's scope.
     *
     * @throws InputException if one is missing or of another shape than model and config ask for, or holds what is no number
     */
    public Factors factors(String adapter, String module) {
        var saved = adapter(adapter);
        var linear = Objects.requireNonNull(saved.linears.get(module), module);
        int rank = saved.spec.rank(module);
        return new Factors(
                values(saved, module + "." + A, rank, linear.inFeatures()),
                values(saved, module + "." + B, linear.outFeatures(), rank),
                saved.spec.scaling(module));
    }

    private static Tensor values(Saved saved, String path, long... shape) {
        var values = saved.tensors.tensor(path, shape).to(ScalarType.Float);
        if (!torch.isfinite(values).all().item_bool()) {
            throw new InputException("Tensor '" + path + "' of the adapter in " + saved.folder.path()
                    + " holds values that are no finite numbers; train it again, or take an earlier checkpoint.");
        }
        return values;
    }

    /** The shape {@code [out, in]} of a linear that an adapter changes. */
    public List<Integer> shape(String module) {
        return adapters.values().stream()
                .flatMap(saved -> Optional.ofNullable(saved.linears.get(module)).stream())
                .findFirst()
                .orElseThrow()
                .shape();
    }

    /** The rank of {@code adapter} at {@code module}. */
    public int rank(String adapter, String module) {
        return adapter(adapter).spec.rank(module);
    }

    /**
     * Adds a saved head to the model, with its weights, under another name than it was saved by.
     *
     * @throws InputException if the folder lacks a weight of it
     */
    public void addHead(String adapter, SavedHead head, String as) {
        new SavedHeads(adapter(adapter).tensors).addAs(as, head, model);
    }

    /**
     * Attaches a mixture of these adapters to the model, in which every token has the experts that its input's product with
     * their directions chooses; see {@link dev.espalier.routing.ArrowScorer}. A linear's experts are the adapters that change it.
     *
     * @param topK experts of a token at most
     * @param directions gives for each linear the directions of the adapters that are {@link #having} it,
     *     {@code [experts, in]}, in their order
     */
    public Adapter byToken(String name, int topK, Directions directions) {
        var experts = new LinkedHashMap<String, List<Optional<String>>>();
        modules()
                .forEach(path -> experts.put(
                        path, having(path).stream().map(Optional::of).toList()));
        int most = experts.values().stream().mapToInt(List::size).max().orElse(1);
        var counts = new LinkedHashMap<String, Integer>();
        experts.forEach((path, of) -> counts.put(path, of.size()));
        var spec = Mixtures.of("mola").with(m -> m.expertsByDepth(List.of())
                .experts(most)
                .expertsPattern(counts)
                .form(new RouterForm(RouterForm.Kind.ARROW, 1, 1))
                .soleRouter(false)
                .topK(Math.min(topK, most)));
        return attach(name, spec, experts, directions);
    }

    /**
     * Attaches a mixture of these adapters to the model, in which every sequence has the experts that the pass gives it, by
     * {@link dev.espalier.model.ForwardContext#experts}: weights in the order of {@link #names}.
     */
    public Adapter bySequence(String name) {
        var all = names().stream().toList();
        var experts = new LinkedHashMap<String, List<Optional<String>>>();
        modules()
                .forEach(path -> experts.put(
                        path,
                        all.stream()
                                .map(expert -> Optional.of(expert).filter(having(path)::contains))
                                .toList()));
        var spec = Mixtures.of("flix").with(m -> m.experts(all.size()));
        return attach(name, spec, experts, module -> {
            throw new IllegalStateException("nothing scores " + module);
        });
    }

    /** Gives the directions of a linear's experts. */
    @FunctionalInterface
    public interface Directions {
        /** {@code [experts, in]} for the linear at path {@code module}, of the caller's scope. */
        Tensor of(String module);
    }

    private Adapter attach(
            String name, MixtureSpec routing, Map<String, List<Optional<String>>> experts, Directions directions) {
        var ranks = new LinkedHashMap<String, Integer>();
        experts.forEach((path, of) -> ranks.put(
                path,
                of.stream()
                        .flatMap(Optional::stream)
                        .mapToInt(e -> rank(e, path))
                        .max()
                        .orElseThrow()));
        int rank = Collections.max(ranks.values());
        // As the first has it, so that adapters that were trained alike, or one alone, keep their B to the bit.
        var first = ranks.entrySet().iterator().next();
        double alpha = adapter(having(first.getKey()).get(0)).spec.scaling(first.getKey()) * first.getValue();
        var spec = routing.with(m -> m.targets(TargetModules.of(ModuleNames.of(List.copyOf(experts.keySet()))))
                .rank(rank)
                .rankPattern(ranks)
                .alpha(alpha)
                .dropout(0));
        var targets = new LinkedHashMap<String, Adaptable<?>>(model.linears());
        targets.keySet().retainAll(experts.keySet());
        return Adapter.create(name, spec, model, targets, new Stacked(this, experts, ranks, alpha, directions));
    }

    /**
     * Refuses an adapter that holds what neither its linears nor the heads that were added have asked for.
     *
     * @throws InputException naming the first such tensor
     */
    public void requireAllUsed(String adapter) {
        adapter(adapter).tensors.requireAllUsed();
    }

    private Saved adapter(String name) {
        return Objects.requireNonNull(adapters.get(name), name);
    }

    /**
     * The weights of a mixture, made of the adapters' one linear at a time.
     *
     * @param experts of every linear; empty for one that does nothing there
     * @param ranks of every linear's experts
     * @param alpha of the mixture
     */
    private record Stacked(
            LoraExperts of,
            Map<String, List<Optional<String>>> experts,
            Map<String, Integer> ranks,
            double alpha,
            Directions directions)
            implements DeltaWeights.Source {
        @Override
        public Tensor values(String module, String key, StoredLayout layout, DeltaWeights.Initial initial) {
            if (key.equals("router.weight")) {
                return directions.of(module);
            }
            boolean down = key.endsWith(A);
            int axis = down ? 0 : 1;
            int rank = Objects.requireNonNull(ranks.get(module));
            var mine = Objects.requireNonNull(experts.get(module));
            var linear = Objects.requireNonNull(of.model.linears().get(module));
            long stacked = (long) mine.size() * rank;
            var all = torch.zeros(
                    down ? new long[] {stacked, linear.inFeatures()} : new long[] {linear.outFeatures(), stacked},
                    Engine.options(ScalarType.Float));
            for (int e = 0; e < mine.size(); e++) {
                if (mine.get(e).isPresent()) {
                    var factors = of.factors(mine.get(e).get(), module);
                    var part = down ? factors.a() : factors.b().mul(new Scalar(factors.scaling() / (alpha / rank)));
                    all.narrow(axis, (long) e * rank, factors.rank()).copy_(part);
                }
            }
            return all;
        }
    }
}
