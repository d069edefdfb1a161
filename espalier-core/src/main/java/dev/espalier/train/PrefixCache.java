package dev.espalier.train;

import dev.espalier.checkpoint.ScratchFile;
import dev.espalier.data.Batch;
import dev.espalier.data.Batcher;
import dev.espalier.data.EncodedExample;
import dev.espalier.error.InputException;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.LanguageModel;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import org.bytedeco.pytorch.global.torch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What enters the lowest adapted layer, computed once for every example of a run and kept in a file of the run folder while
 * the run goes on. The file is filled before the first step, in batches that depend on the examples alone: so a resumed run
 * fills it with the same numbers, and while the run goes on it is only read.
 */
final class PrefixCache implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PrefixCache.class);

    final CachedStates training;
    final CachedStates validation;
    private final PrefixOptions options;
    private final Session session;
    private final LanguageModel model;
    private final RunFolder folder;
    private final ProgressListener listener;
    private final int layer;
    private final long bytesOfToken;
    private long bytes;
    private int examples;
    private final SharedPrefixes shared;
    private final Object key;
    private boolean sharing;

    /**
     * Plans what is kept; nothing is computed or written yet.
     *
     * @throws InputException if the options ask for a cache that is of no use, cannot be right or has no room
     */
    PrefixCache(Training description, Session session, RunFolder folder, SharedPrefixes shared) {
        options = description.options().prefix();
        this.session = session;
        model = session.adapted.model();
        this.folder = folder;
        listener = description.listener();
        layer = model.frozenLayers();
        bytesOfToken = model.hiddenSize() * torch.elementSize(model.dtype());
        training = new CachedStates(layer);
        validation = new CachedStates(layer);
        this.shared = shared;
        key = key(description, session);
        if (options.cacheMb() > 0) {
            requireUse();
            plan();
            ScratchFile.requireRoom(folder.prefixStates(), bytes);
        }
    }

    private void requireUse() {
        if (layer == 0) {
            throw new InputException(
                    "prefix-cache-mb keeps what enters the lowest adapted layer, but the first layer or an"
                            + " embedding is adapted here, so nothing lies below; adapt upper layers alone"
                            + " (layers-to-transform), or remove prefix-cache-mb.");
        }
        if (options.dropout() && model.dropsOut()) {
            throw new InputException(
                    "The model's own dropout acts below the lowest adapted layer, so what prefix-cache-mb"
                            + " keeps would differ from epoch to epoch; set prefix-dropout: false to train without it there, or"
                            + " remove prefix-cache-mb.");
        }
        if (session.steps <= session.batcher.batchesPerEpoch()) {
            throw new InputException("prefix-cache-mb keeps what later epochs need again, but this run sees no example"
                    + " twice; train for more epochs, or remove prefix-cache-mb.");
        }
    }

    /** Training rows first, in their order and whole, then validation examples, as long as there is room. */
    private void plan() {
        var rows = new ArrayList<Planned>();
        session.rows.forEach(task -> task.forEach(row -> rows.add(new Planned(training, row))));
        session.tasks.forEach(
                task -> Batcher.alone(task.validation()).forEach(row -> rows.add(new Planned(validation, row))));
        for (var row : rows) {
            long tokens =
                    row.examples.stream().mapToLong(EncodedExample::length).sum();
            if (bytes + tokens * bytesOfToken > options.cacheBytes()) {
                break;
            }
            for (var example : row.examples) {
                row.states.add(example, bytes);
                bytes += example.length() * bytesOfToken;
                examples++;
            }
        }
        long all = rows.stream().mapToLong(row -> row.examples.size()).sum();
        if (examples < all) {
            LOG.warn(
                    "prefix-cache-mb: {} has room for {} of {} examples; what the others need is computed each time",
                    options.cacheMb(),
                    examples,
                    all);
        }
    }

    /** All that the file's content depends on. */
    private List<Object> key(Training description, Session session) {
        return List.of(
                description.model(),
                model.dtype(),
                layer,
                options.cacheMb(),
                session.adapted.tokenizer().padId(),
                digest(session));
    }

    /** Of every example of both splits, in order, and of how they share rows. */
    private static String digest(Session session) {
        var sum = sha256();
        session.rows.forEach(task -> task.forEach(row -> add(sum, row)));
        session.tasks.forEach(task -> add(sum, task.validation()));
        return HexFormat.of().formatHex(sum.digest());
    }

    private static void add(MessageDigest sum, List<EncodedExample> examples) {
        for (var example : examples) {
            var text = example.task() + " " + example.id() + Arrays.toString(example.ids())
                    + Arrays.toString(example.typeIds());
            sum.update(text.getBytes(StandardCharsets.US_ASCII));
        }
        sum.update((byte) '\n');
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }

    private record Planned(CachedStates states, List<EncodedExample> examples) {}

    /**
     * Computes what is kept and lets the run's passes take it from here.
     *
     * @param stopRequested ends the work early; no pass may follow then
     * @throws InputException if the file cannot be written
     */
    void fill(BooleanSupplier stopRequested) {
        if (options.cacheMb() == 0) {
            if (!options.dropout() && layer > 0) {
                session.prefix(training, validation);
            }
            return;
        }
        sharing = true;
        var filled = shared.filled(key, folder.prefixStates(), file -> fill(file, stopRequested));
        if (filled != null) {
            training.readFrom(filled);
            validation.readFrom(filled);
            session.prefix(training, validation);
            listener.phase("training");
        }
    }

    private boolean fill(ScratchFile file, BooleanSupplier stopRequested) {
        listener.phase(String.format(
                Locale.ROOT,
                "computing what enters layer %d once, %,d examples, %,d MB",
                layer,
                examples,
                (bytes + 999_999) / 1_000_000));
        for (var states : List.of(training, validation)) {
            fill(states, file, stopRequested);
        }
        return !stopRequested.getAsBoolean();
    }

    private void fill(CachedStates states, ScratchFile to, BooleanSupplier stopRequested) {
        var batches = new ArrayList<Batch>();
        for (var ofTask : states.byTask()) {
            session.evaluator.batches(ofTask).forEach(batches::add);
        }
        session.adapted.workers().map(batches, (batch, place) -> {
            if (!stopRequested.getAsBoolean()) {
                write(batch, states, to);
            }
            return place;
        });
    }

    private void write(Batch batch, CachedStates states, ScratchFile to) {
        try (var scope = Scope.open();
                var context = ForwardContext.evaluation(Tape.inference(), batch.layout())
                        .tasks(batch.tasks())) {
            var entering = model.entering(layer, batch, context).value();
            var segments = batch.layout().segments();
            for (int i = 0; i < segments.size(); i++) {
                var segment = segments.get(i);
                var own = entering.narrow(0, batch.layout().first(segment), segment.length());
                to.write(states.offset(batch.task(), batch.exampleIds()[i]), own);
            }
        }
    }

    /** Leaves the file to other runs. */
    @Override
    public void close() {
        if (sharing) {
            shared.release(key);
        }
    }
}
