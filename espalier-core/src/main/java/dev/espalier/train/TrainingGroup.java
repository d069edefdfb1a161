package dev.espalier.train;

import dev.espalier.error.InputException;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.auto.ResidentModels;
import dev.espalier.tensor.Engine;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Runs of one process that share what they can. The frozen weights of their base model are in memory once. What the layers
 * below everything that is adapted make of examples is computed once for all runs that keep it and see the same examples
 * ({@link PrefixOptions}). So many runs as are asked for train side by side, each on its share of the native threads:
 *
 * <pre>{@code
 * try (var group = new TrainingGroup(2)) {
 *     var results = group.run(
 *             List.of(group.trainer(first, Path.of("runs/first")), group.trainer(second, Path.of("runs/second"))),
 *             Trainer::run);
 * }
 * }</pre>
 *
 * <p>What a run computes depends on its threads, not on the other runs.
 */
public final class TrainingGroup implements AutoCloseable {
    private final int atOnce;
    private final Workers runs;
    private final ResidentModels models = new ResidentModels();
    private final SharedPrefixes prefixes = new SharedPrefixes();
    private final Optional<PeakMemory> memory;

    /**
     * @param atOnce runs side by side; 0 for as many as there are native threads. Of several, each has its share of these
     *     threads, and reports the peak memory of all of them together
     */
    public TrainingGroup(int atOnce) {
        if (atOnce < 0) {
            throw new InputException(
                    "Runs at once must be at least 1, or 0 for as many as there are threads, not " + atOnce + ".");
        }
        this.atOnce = atOnce == 0 ? Engine.threads() : atOnce;
        runs = new Workers(this.atOnce);
        memory = this.atOnce == 1 ? Optional.empty() : Optional.of(new PeakMemory());
        memory.ifPresent(PeakMemory::start);
    }

    /** How many runs train side by side. */
    public int atOnce() {
        return atOnce;
    }

    /** Who carries out {@code training} in {@code folder}, as one of this group. */
    public Trainer trainer(Training training, Path folder) {
        return new Trainer(training, folder, Optional.of(this));
    }

    /**
     * Carries out the trainings of this group, as many at once as it has room for, in their order.
     *
     * @param way such as {@code Trainer::run} or {@code Trainer::resume}
     * @return what each gave, in their order
     * @throws InputException the first trainer's that failed, after all have ended
     */
    public <T, R> List<R> run(List<T> trainings, Function<T, R> way) {
        return runs.map(trainings, (training, place) -> way.apply(training));
    }

    /** Native threads of one run. */
    int threads() {
        return Math.max(1, Engine.threads() / atOnce);
    }

    LanguageModel open(Path folder, ScalarType dtype) {
        return models.open(folder, dtype);
    }

    SharedPrefixes prefixes() {
        return prefixes;
    }

    /** What measures the memory of a run that begins now. */
    PeakMemory memory() {
        return memory.orElseGet(() -> {
            var own = new PeakMemory();
            own.start();
            return own;
        });
    }

    /** Frees what the runs shared; they have ended. */
    @Override
    public void close() {
        runs.close();
        prefixes.close();
        models.close();
    }
}
