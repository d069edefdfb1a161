package dev.espalier.model;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Tape;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * What all layers of one forward pass share: the tape, the batch's padding, whether it is training, where random draws
 * come from; and what they hand back: auxiliary losses and router observations.
 *
 * <p>Tokens of all rows lie in one matrix {@code [rows * tokens, features]}, row after row.
 */
public final class ForwardContext implements AutoCloseable {
    /** Tokens of a pass whose operations are so small, but for large products, that one thread is faster than several. */
    private static final int FEW = 32;

    private final Tape tape;
    private final Layout layout;
    private final @Nullable Training training;
    private boolean checkpointing;
    private boolean oneMask;
    private @Nullable PrefixStates prefix;
    private @Nullable TokenOrder order;
    private final SharedTensors shared;
    private Object pass;
    private final @Nullable KvCache cache;
    private final boolean root;
    private final Engine.@Nullable Alone alone;
    private OfSequences given;
    private final Map<String, Optional<SelectedTokens>> selected = new HashMap<>();
    private final Map<Object, Object> remembered = new HashMap<>();
    private Findings findings = new Findings();

    /**
     * What only training has.
     *
     * @param random the step's stream; a layer derives its own by its name
     * @param sequences the identity of every segment's example, which its draws depend on
     * @param sequencesInStep segments of all micro-batches of the optimizer step, which losses per sequence are divided by
     */
    public record Training(RandomStream random, long[] sequences, int sequencesInStep) {}

    private ForwardContext(
            Tape tape,
            Layout layout,
            @Nullable Training training,
            @Nullable KvCache cache,
            @Nullable ForwardContext parent) {
        this.tape = tape;
        this.layout = layout;
        this.training = training;
        this.cache = cache;
        root = parent == null;
        alone = root && training == null && layout.rows() * layout.tokens() <= FEW ? Engine.alone() : null;
        given = OfSequences.none(layout.segments().size());
        shared = parent == null ? new SharedTensors() : parent.shared;
        pass = parent == null ? this : parent.pass;
    }

    /** A pass without dropout; it is closed on the thread that made it. */
    public static ForwardContext evaluation(Tape tape, Layout layout) {
        return new ForwardContext(tape, layout, null, null, null);
    }

    /** A training pass, with dropout and capacity limits. */
    public static ForwardContext training(Tape tape, Layout layout, Training training) {
        return new ForwardContext(tape, layout, training, null, null);
    }

    /**
     * A pass over the next tokens of sequences whose earlier ones are in {@code cache}; each row is one sequence. It
     * records nothing.
     */
    public static ForwardContext cached(Layout layout, KvCache cache) {
        return new ForwardContext(Tape.inference(), layout, null, cache, null);
    }

    /**
     * The same pass for what has one token for each sequence, a row of its own. The tape, auxiliary losses and
     * observations are shared; only the pass itself is closed.
     */
    public ForwardContext perSequence() {
        var ones = new int[layout.segments().size()];
        Arrays.fill(ones, 1);
        var context = new ForwardContext(tape, Layout.rightPadded(1, ones), training, cache, this);
        context.given = given;
        context.findings = findings;
        return context;
    }

    /**
     * The same pass on another tape: random draws are the same, observations and auxiliary losses are kept apart.
     */
    ForwardContext on(Tape other) {
        var context = new ForwardContext(other, layout, training, cache, this);
        context.order = order;
        context.given = given;
        context.oneMask = oneMask;
        return context;
    }

    /**
     * A second training pass over the same tokens, on the same tape but with draws of its own; observations and auxiliary
     * losses are kept apart. It is closed with this one.
     */
    public ForwardContext again(Training other) {
        var context = new ForwardContext(tape, layout, other, cache, this);
        context.order = order;
        context.given = given;
        context.checkpointing = checkpointing;
        context.oneMask = oneMask;
        context.prefix = prefix;
        return context;
    }

    /**
     * A pass over other sequences that this one's are compared with, as in evaluation: nothing drops out, and what routers
     * do there is no part of this pass's losses and observations. It is freed with this one; its tape is not.
     *
     * @param like for each of the sequences, the segment of this pass whose adapter and task it has
     */
    ForwardContext beside(Tape other, Layout sequences, int[] like) {
        var context = new ForwardContext(other, sequences, null, null, this);
        context.pass = context;
        context.checkpointing = checkpointing;
        context.oneMask = oneMask;
        context.given = given.of(like);
        return context;
    }

    /** For each segment the first one that the same adapter acts on. */
    int[] firstWithSameAdapter() {
        return given.firstWithSameAdapter();
    }

    /** A part of the pass for some tokens, each a sequence of its own with draws of its own. */
    ForwardContext tokens(Tape other, int[] places) {
        var ones = new int[places.length];
        Arrays.fill(ones, 1);
        var context = new ForwardContext(other, Layout.rightPadded(1, ones), ofTokens(places), cache, this);
        var segmentOf = layout.segmentOfToken();
        context.given =
                given.of(Arrays.stream(places).map(place -> segmentOf[place]).toArray());
        return context;
    }

    private @Nullable Training ofTokens(int[] places) {
        if (training == null) {
            return null;
        }
        var segmentOf = layout.segmentOfToken();
        var positions = layout.positions();
        var sequences = Arrays.stream(places)
                .mapToLong(place -> RandomStream.of(training.sequences()[segmentOf[place]])
                        .at(positions[place])
                        .seed())
                .toArray();
        return new Training(training.random(), sequences, training.sequencesInStep());
    }

    public Tape tape() {
        return tape;
    }

    /** Where the sequences lie. */
    public Layout layout() {
        return layout;
    }

    public int rows() {
        return layout.rows();
    }

    /** Tokens of every row, padding included. */
    public int tokens() {
        return layout.tokens();
    }

    /** Null in evaluation. */
    public @Nullable Training training() {
        return training;
    }

    public boolean isTraining() {
        return training != null;
    }

    /** Whether blocks keep their input only and are computed again in backward. */
    public boolean checkpointing() {
        return checkpointing;
    }

    /** Turns gradient checkpointing on or off for this pass. */
    public ForwardContext checkpointing(boolean on) {
        checkpointing = on;
        return this;
    }

    /** Whether causal attention computes all of a row under one mask, where it might leave out what is hidden. */
    boolean oneMask() {
        return oneMask;
    }

    /** Has causal attention compute all of a row under one mask, as plain implementations do. */
    public ForwardContext oneMask(boolean on) {
        oneMask = on;
        return this;
    }

    /** What the first layers make of the sequences; null where they run as the others do. */
    @Nullable PrefixStates prefix() {
        return prefix;
    }

    /** Takes from {@code states} what the first layers make of the sequences, in place of running them. */
    public ForwardContext prefix(PrefixStates states) {
        prefix = states;
        return this;
    }

    /**
     * Lets one adapter act on each sequence, of those that are enabled; without this call all of them act on all
     * sequences. A sequence gets what it would get with that adapter alone.
     *
     * @param perSequence an adapter's name for each segment of the layout; empty for the bare model
     */
    public ForwardContext adapters(List<Optional<String>> perSequence) {
        requireForAll(perSequence.size(), "adapters");
        given = given.with(List.copyOf(perSequence));
        selected.clear();
        return this;
    }

    /**
     * Says which task each sequence is of; without this call all are of the first.
     *
     * @param perSequence a task's place in the run for each segment of the layout
     */
    public ForwardContext tasks(int[] perSequence) {
        requireForAll(perSequence.length, "tasks");
        given = given.with(perSequence.clone());
        return this;
    }

    /**
     * Says which experts each sequence has, in place of its task's, of adapters whose experts are chosen by task.
     *
     * @param perSequence the weight of every expert for each segment of the layout, {@code [segments, experts]}
     */
    public ForwardContext experts(float[][] perSequence) {
        requireForAll(perSequence.length, "rows of expert weights");
        given = given.with(perSequence.clone());
        selected.clear();
        return this;
    }

    /** The weights of each segment's experts, {@code [segments, experts]}; null where the pass does not say. */
    public float @Nullable [][] experts() {
        return given.experts();
    }

    private void requireForAll(int count, String what) {
        if (count != layout.segments().size()) {
            throw new IllegalArgumentException(
                    count + " " + what + " for " + layout.segments().size() + " sequences");
        }
    }

    /** The task of each segment of the layout, by its place in the run. */
    public int[] tasks() {
        return given.tasks().clone();
    }

    /** Whether {@code adapter} acts on all tokens. */
    boolean selects(String adapter) {
        return given.selects(adapter);
    }

    /** The tokens that {@code adapter} acts on where it does not on all; null where there is none. */
    @Nullable SelectedTokens selected(String adapter) {
        return selected.computeIfAbsent(adapter, this::select).orElse(null);
    }

    private Optional<SelectedTokens> select(String adapter) {
        var chosen = given.chosenFor(adapter);
        if (chosen.length == 0) {
            return Optional.empty();
        }
        var places = shared(List.of("tokens of", adapter), () -> torch.tensor(layout.places(chosen)));
        var context = new ForwardContext(tape, layout.packed(chosen), ofSequences(chosen), cache, this);
        context.findings = findings;
        context.given = given.of(chosen).onlyAdapter();
        return Optional.of(new SelectedTokens(places, context));
    }

    private @Nullable Training ofSequences(int[] chosen) {
        if (training == null) {
            return null;
        }
        var sequences =
                Arrays.stream(chosen).mapToLong(i -> training.sequences()[i]).toArray();
        return new Training(training.random(), sequences, training.sequencesInStep());
    }

    /**
     * The dropout mask of a layer: 0 with probability {@code p}, else 1, without the scale {@code 1 / (1 - p)}.
     *
     * @param name the layer's own name, which the draws depend on
     * @return {@code [rows * tokens, features]}, or null where nothing is dropped
     */
    public @Nullable Tensor dropoutMask(String name, double p, int features, ScalarType dtype) {
        if (training == null || p <= 0) {
            return null;
        }
        return training.random().at(name).keepMask(p, training.sequences(), layout, features, dtype);
    }

    /** 1 for a token, 0 for padding: {@code [rows, tokens]}, fp32; shared by the pass. */
    public Tensor tokenMask() {
        return shared("token mask", () -> {
            var values = new float[rows() * tokens()];
            for (var segment : layout.segments()) {
                int first = layout.first(segment);
                Arrays.fill(values, first, first + segment.length(), 1f);
            }
            return torch.tensor(values).view(rows(), tokens());
        });
    }

    /** What to add to attention scores so that padded keys get no weight: {@code [rows, tokens]}; null if unpadded. */
    @Nullable Tensor keyMask(ScalarType dtype) {
        if (layout.unpadded()) {
            return null;
        }
        return shared("key mask", () -> torch.mul(torch.sub(tokenMask(), new Scalar(1)), new Scalar(1e30))
                .to(dtype));
    }

    /**
     * A tensor that all layers of the pass use alike, made when the first asks for it and freed with the pass.
     *
     * @param key what it is, as a value
     */
    public Tensor shared(Object key, Supplier<Tensor> make) {
        return shared.get(pass, layout, key, make);
    }

    /** Whether something was {@linkplain #remembered remembered} under {@code key}. */
    public boolean remembers(Object key) {
        return remembered.containsKey(key);
    }

    /** What one layer leaves to later ones of this very pass; a block that is computed again makes its own. */
    public <T> T remembered(Object key, Class<T> type, Supplier<T> make) {
        var known = remembered.get(key);
        if (known != null) {
            return type.cast(known);
        }
        var made = make.get();
        remembered.put(key, made);
        return made;
    }

    /** Which keys a query may see in causal attention. */
    TokenOrder tokenOrder() {
        if (order == null) {
            order = TokenOrder.of(layout, cache);
        }
        return order;
    }

    /** The keys and values of earlier tokens; null where the pass starts at the first. */
    @Nullable KvCache cache() {
        return cache;
    }

    /** Adds an auxiliary loss that the operation's own backward pass accounts for; already weighted. */
    public void addAuxiliaryLoss(double loss) {
        findings.addAuxiliaryLoss(loss);
    }

    /** The sum of the auxiliary losses of this pass. */
    public double auxiliaryLoss() {
        return findings.auxiliaryLoss();
    }

    /** Notes what a router did. */
    public void observe(RouterObservation observation) {
        findings.add(observation);
    }

    /** What the routers of this pass did, in forward order. */
    public List<RouterObservation> observations() {
        return findings.observations();
    }

    /** Frees what the layers shared, and the tape. */
    @Override
    public void close() {
        if (root) {
            shared.close();
        }
        tape.close();
        if (alone != null) {
            alone.close();
        }
    }
}
