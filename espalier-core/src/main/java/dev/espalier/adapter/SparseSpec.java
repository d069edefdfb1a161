package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.importance.SelectionScore;
import dev.espalier.kernel.SparseMatrix;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Initialiser;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A few entries of each weight matrix, or square blocks of them, are trained and the rest stays as it is. The methods
 * differ in how many are kept, what scores them and when they are chosen:
 *
 * <ul>
 *   <li>{@link #sparse}: sparse adapters for merging (<a href="https://arxiv.org/abs/2507.07140">arXiv 2507.07140</a>),
 *       chosen by connection sensitivity again and again in the first epoch;
 *   <li>{@link #shira}: SHiRA (<a href="https://arxiv.org/abs/2406.13175">arXiv 2406.13175</a>), chosen before training;
 *   <li>{@link #spiel}: SpIEL (<a href="https://arxiv.org/abs/2401.16405">arXiv 2401.16405</a>), dropped and grown all
 *       along;
 *   <li>{@link #ltSft}: LT-SFT (<a href="https://arxiv.org/abs/2110.07560">arXiv 2110.07560</a>), chosen by how far full
 *       fine-tuning moved them, and trained again from 0.
 * </ul>
 *
 * <p>Once they are chosen only indices and values are held, and gradients and moments of the values.
 *
 * @param method the name in recipes
 * @param kept how many
 * @param blockSize the side of the blocks that are kept or left as a whole; 0 for single entries
 * @param layerDrop whether a matrix keeps nothing whose share of the best entries of all matrices is below what is kept
 * @param modulesToSave ends of the paths of modules that train as a whole
 */
public record SparseSpec(
        String method,
        TargetModules targets,
        KeptWeights kept,
        int blockSize,
        SelectionScore score,
        SelectionScope scope,
        boolean layerDrop,
        SelectionPlan plan,
        List<String> modulesToSave)
        implements AdapterSpec {
    /** The name of sparse adapters in recipes. */
    public static final String SPARSE = "sparse";

    /** The name of SHiRA in recipes. */
    public static final String SHIRA = "shira";

    /** The name of SpIEL in recipes. */
    public static final String SPIEL = "spiel";

    /** The name of LT-SFT in recipes. */
    public static final String LT_SFT = "lt-sft";

    /** The share that merges best (arXiv 2507.07140). */
    public static final double KEEP_RATIO = 0.1;

    /** Optimizer steps from one selection to the next, as arXiv 2507.07140 has them. */
    public static final int SELECT_EVERY = 100;

    /** PEFT's default for SHiRA: as many values as LoRA of that rank. */
    public static final int RANK = 32;

    /** The file's keys of single entries, which are PEFT's. */
    static final String VALUES = "shira_weight";

    static final String INDICES = "shira_indices";

    /** Those of blocks. */
    static final String BLOCK_VALUES = "sparse_block.weight";

    static final String BLOCK_INDICES = "sparse_block.indices";

    public SparseSpec {
        modulesToSave = List.copyOf(modulesToSave);
        if (blockSize < 0 || blockSize == 1) {
            throw new InputException("block-size must be 0, for single entries, or the side of a block from 2 up, not "
                    + blockSize + ".");
        }
        if (kept.rank() > 0 && blockSize > 0) {
            throw new InputException("A rank counts single entries, but block-size is " + blockSize
                    + "; give a keep-ratio, or block-size 0.");
        }
        if (plan instanceof SelectionPlan.AtStart && score.needsTraining()) {
            throw new InputException("The score " + name(score) + " is 0 everywhere before training, so it can't choose"
                    + " what method '" + method
                    + "' keeps; use gradient, weight-sensitivity, weight, random or structure.");
        }
    }

    private static String name(SelectionScore score) {
        return score.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static SparseSpec of(String method, KeptWeights kept, SelectionScore score, SelectionPlan plan) {
        return new SparseSpec(
                method, TargetModules.DEFAULT, kept, 0, score, SelectionScope.MATRIX, false, plan, List.of());
    }

    /** A tenth of queries', keys' and values' weights by absolute connection sensitivity. */
    public static SparseSpec sparse() {
        return of(
                SPARSE,
                KeptWeights.ratio(KEEP_RATIO),
                SelectionScore.SENSITIVITY,
                new SelectionPlan.InFirstEpoch(SELECT_EVERY, false, DensePhase.FACTORED));
    }

    /** Random entries, as many as LoRA of PEFT's default rank trains. */
    public static SparseSpec shira() {
        return of(SHIRA, KeptWeights.rank(RANK), SelectionScore.RANDOM, new SelectionPlan.AtStart());
    }

    /** A hundredth of the entries, a fifth of which is replaced at first, less and less later. */
    public static SparseSpec spiel() {
        return of(SPIEL, KeptWeights.ratio(.01), SelectionScore.GRADIENT, new SelectionPlan.DropAndGrow(20, .2));
    }

    /** A tenth of the entries after full fine-tuning for half of the run. */
    public static SparseSpec ltSft() {
        return of(
                LT_SFT,
                KeptWeights.ratio(KEEP_RATIO),
                SelectionScore.MAGNITUDE,
                new SelectionPlan.Rewound(.5, DensePhase.FACTORED));
    }

    public SparseSpec withTargets(TargetModules targets) {
        return with(targets, kept, modulesToSave);
    }

    /** The same with another share of each matrix. */
    public SparseSpec withKeepRatio(double ratio) {
        return with(targets, KeptWeights.ratio(ratio), modulesToSave);
    }

    /** The same with as many entries of each matrix as LoRA of that rank trains. */
    public SparseSpec withRank(int rank) {
        return with(targets, KeptWeights.rank(rank), modulesToSave);
    }

    /** The same with blocks of that side; 0 for single entries. */
    public SparseSpec withBlockSize(int blockSize) {
        return new SparseSpec(method, targets, kept, blockSize, score, scope, layerDrop, plan, modulesToSave);
    }

    /** The same with entries chosen otherwise. */
    public SparseSpec choosing(SelectionScore score, SelectionScope scope, boolean layerDrop) {
        return new SparseSpec(method, targets, kept, blockSize, score, scope, layerDrop, plan, modulesToSave);
    }

    /** The same with entries chosen at other times. */
    public SparseSpec withPlan(SelectionPlan plan) {
        return new SparseSpec(method, targets, kept, blockSize, score, scope, layerDrop, plan, modulesToSave);
    }

    @Override
    public SparseSpec withModulesToSave(List<String> modulesToSave) {
        return with(targets, kept, modulesToSave);
    }

    private SparseSpec with(TargetModules targets, KeptWeights kept, List<String> modulesToSave) {
        return new SparseSpec(method, targets, kept, blockSize, score, scope, layerDrop, plan, modulesToSave);
    }

    /** The side of a unit: 1 for entries. */
    int block() {
        return Math.max(1, blockSize);
    }

    /** Queries, keys and values where nothing else is said. */
    @Override
    public SparseSpec in(LanguageModel model) {
        var settled = withTargets(targets.forAttentionInputs(model));
        var heads = model.heads().values().stream()
                .flatMap(head -> head.linears().stream())
                .map(Linear::name)
                .toList();
        settled.targets.select(model).keySet().stream()
                .filter(heads::contains)
                .findFirst()
                .ifPresent(head -> {
                    throw new InputException("Method '" + method + "' can't adapt the head " + head
                            + ", whose gradient comes in parts; leave it out, or name it in modules-to-save.");
                });
        return settled;
    }

    @Override
    public boolean trains(String key) {
        return !key.endsWith(INDICES) && !key.endsWith(BLOCK_INDICES);
    }

    @Override
    public long trained(String key, long elements) {
        var known = kept.counts().entrySet().stream()
                .filter(matrix -> blockSize == 0 && key.endsWith(matrix.getKey() + "." + VALUES))
                .findFirst();
        return known.<Long>map(matrix -> (long) matrix.getValue()).orElse(trains(key) ? elements : 0);
    }

    @Override
    public Optional<BudgetSchedule> budget(Adapter adapter, int steps) {
        if (steps < 2) {
            throw new InputException("A run of " + steps + " step has no room for choosing what a sparse adapter keeps"
                    + " and training it; train for longer.");
        }
        var times = plan.times(steps, adapter.stepsPerEpoch());
        if (plan instanceof SelectionPlan.DropAndGrow growth) {
            return Optional.of(new DropAndGrowSchedule(this, growth, times, adapter, steps));
        }
        boolean isDone = plan instanceof SelectionPlan.AtStart && !needsPass();
        return isDone ? Optional.empty() : Optional.of(new SelectionSchedule(this, times, adapter));
    }

    /** Whether the first choice needs a look at gradients, or at all matrices together. */
    private boolean needsPass() {
        return score.needsGradient() || scope == SelectionScope.GLOBAL || layerDrop;
    }

    @Override
    public LinearDelta delta(Linear linear, DeltaWeights weights) {
        var shape = linear.shape();
        long out = shape.get(0);
        long in = shape.get(1);
        int block = block();
        if (out % block != 0 || in % block != 0) {
            throw new InputException("Blocks of " + block + " do not divide " + linear.name() + " " + shape
                    + " evenly; choose a block-size that divides both, or 0 for single entries.");
        }
        if (out * in > Integer.MAX_VALUE) {
            throw new InputException(linear.name() + " " + shape + " has more than " + Integer.MAX_VALUE
                    + " entries, so an index of 32 bits can't tell them apart; leave it out of target-modules.");
        }
        int count = kept.of(linear.name(), shape, block);
        var file = new SparseFile(
                linear.name(), out, in, block, count, padded(weights.shared().shapes(), shape, count));
        var indices = weights.resizable(
                block > 1 ? BLOCK_INDICES : INDICES,
                file.indices(random -> FirstIndices.of(this, linear, count, random)));
        var values = weights.resizable(
                block > 1 ? BLOCK_VALUES : VALUES,
                file.values(random -> block > 1 ? Initialiser.zeros(count, block, block) : Initialiser.zeros(count)));
        var delta = new SparseDelta(linear, block, indices, values);
        if (weights.isDrawn() && plan.densePhase().equals(Optional.of(DensePhase.ADAMW))) {
            delta.whole(weights.unsavedResizable("whole", () -> Initialiser.zeros(out, in)));
        }
        return delta;
    }

    /** How many entries a file holds of a matrix, those that only fill PEFT's shape included. */
    private int padded(Map<String, List<Integer>> shapes, List<Integer> shape, int count) {
        int rank = peftRank(shapes).orElse(0);
        return rank == 0 ? count : rank * (shape.get(0) + shape.get(1));
    }

    /**
     * The smallest rank with which PEFT's SHiRA has room for what each of these matrices keeps, where its folder can hold
     * it: single entries, their number known before training, no more than the matrices have.
     *
     * @param shapes {@code [out, in]} by path
     */
    Optional<Integer> peftRank(Map<String, List<Integer>> shapes) {
        if (blockSize > 0 || scope == SelectionScope.GLOBAL || layerDrop) {
            return Optional.empty();
        }
        int rank = 1;
        for (var entry : shapes.entrySet()) {
            int sum = entry.getValue().get(0) + entry.getValue().get(1);
            int count = kept.of(entry.getKey(), entry.getValue(), 1);
            rank = Math.max(rank, (count + sum - 1) / sum);
        }
        for (var shape : shapes.values()) {
            long sum = shape.get(0) + shape.get(1);
            if (rank * sum > (long) shape.get(0) * shape.get(1)) {
                return Optional.empty();
            }
        }
        return Optional.of(rank);
    }

    /** With what each matrix keeps now, where ratio or rank do not say it. */
    @Override
    public SparseSpec saved(Adapter adapter) {
        var shapes = new LinkedHashMap<String, List<Integer>>();
        var counts = new LinkedHashMap<String, Integer>();
        adapter.modules().forEach((path, module) -> {
            shapes.put(path, module.shape());
            counts.put(
                    path,
                    Math.toIntExact(((SparseDelta) module.delta()).indices().size()));
        });
        int rank = peftRank(shapes).orElse(0);
        var written = new KeptWeights(kept.ratio(), rank, Map.of());
        boolean isSaid = shapes.keySet().stream()
                .allMatch(path -> counts.getOrDefault(path, 0).equals(written.of(path, shape(shapes, path), block())));
        return with(targets, isSaid ? written : written.with(counts), modulesToSave);
    }

    private static List<Integer> shape(Map<String, List<Integer>> shapes, String path) {
        return shapes.getOrDefault(path, List.of());
    }

    /** Units of a matrix. */
    long units(List<Integer> shape) {
        return SparseMatrix.units(shape.get(0), shape.get(1), block());
    }
}
