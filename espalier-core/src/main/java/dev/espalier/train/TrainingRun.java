package dev.espalier.train;

import dev.espalier.adapter.BudgetSchedule;
import dev.espalier.adapter.ExpertSimilarity;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.data.Batch;
import dev.espalier.data.Split;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.optim.GradientClipping;
import dev.espalier.optim.NonFiniteGradientException;
import dev.espalier.report.Report;
import dev.espalier.report.RunHistory;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Profile.Part;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** The training loop of one run and what it writes. */
final class TrainingRun implements AutoCloseable {
    private static final double NANOS = 1e9;

    private final Training training;
    private final TrainingOptions options;
    private final ProgressListener listener;
    private final Session session;
    private final RunFolder folder;
    private final PeakMemory memory;
    private final BooleanSupplier stopRequested;
    private final Map<String, String> settings;
    private final Selection selection;
    private final BestCheckpoint best;
    private final StepMeter meter = new StepMeter();
    private final RouterLoad routers = new RouterLoad();
    private final ProfileMeter profile;
    private long startNanos = System.nanoTime();
    private int step;
    private @Nullable MetricsLog log;

    TrainingRun(
            Training training, Session session, RunFolder folder, PeakMemory memory, BooleanSupplier stopRequested) {
        this.training = training;
        this.options = training.options();
        this.listener = training.listener();
        this.session = session;
        this.folder = folder;
        this.memory = memory;
        this.stopRequested = stopRequested;
        this.settings = session.settings(training);
        Map<String, TaskKind> validated = new LinkedHashMap<>();
        session.tasks.stream()
                .filter(t -> !t.validation().isEmpty())
                .forEach(t -> validated.put(t.task().name(), t.task().kind()));
        this.selection = new Selection(validated, options.metric());
        if (selection.needsGeneration() && options.generateTokens() == 0) {
            throw new InputException("The metric " + options.metric()
                    + " compares texts that are written; set generate-tokens to how long they may be.");
        }
        this.best = new BestCheckpoint(session.weights);
        this.profile = new ProfileMeter(options.log().profile(), session);
    }

    /** Tries the model on a few batches, then makes the folder: a mistake leaves nothing behind. */
    void begin(AllocationStage stage) {
        WeightsLog.initialised(session.adapted.model().weights());
        listener.phase("checking");
        for (var task : session.tasks) {
            session.evaluator.check(task.task(), task.validation().isEmpty() ? task.train() : task.validation());
        }
        if (!training.recipe().isEmpty()) {
            AtomicFiles.writeString(folder.recipe(), training.recipe());
        }
        log = new MetricsLog(folder, options, Map.of());
        stage.write(folder, log);
        var parts = session.step.parts(
                session.batcher.batch(0, 0).split(options.accumulation()).get(0));
        tellStage();
        KernelLog.write(
                log,
                session.adapted.adapter(),
                session.adapted.model().dtype(),
                parts.get(0),
                session.adapted.workers().nativeThreads(parts.size()));
        save();
        listener.phase("training");
    }

    /** Goes on from the saved state. */
    void restore() {
        if (RunHistory.read(folder.path()).summary().isPresent()) {
            throw new InputException("The run in " + folder.path() + " is finished, so there is nothing to"
                    + " resume; its adapter is in " + folder.adapter() + ".");
        }
        try (var file = new TrainingState.File(folder.state())) {
            var state = file.state();
            state.requireSame(settings);
            Snapshot.load(session.weights, file.weights());
            best.restore(state.best(), file.best());
            session.optimizer.load(file.optimizer());
            session.budget.ifPresent(budget -> budget.load(file.budget()));
            step = state.step();
            session.resume(step);
            meter.restore(state.meter());
            routers.add(state.routers());
            startNanos -= (long) (state.seconds() * NANOS);
            log = new MetricsLog(folder, options, state.metricsBytes());
        }
        listener.phase("training, from step " + step);
    }

    /** Trains until all steps are done or validation no longer improves; false if it was stopped before. */
    boolean fit() {
        while (step < session.steps && !outOfPatience()) {
            if (stopRequested.getAsBoolean()) {
                save();
                return false;
            }
            trainOneStep();
            if (validationDue()) {
                validate();
                save();
            }
        }
        return true;
    }

    /** Never before the last stage, for without that an adapter is not done. */
    private boolean outOfPatience() {
        return options.patience() > 0 && session.stages.isLast() && best.worseSince() >= options.patience();
    }

    private boolean validationDue() {
        int every = options.evaluateEvery() > 0 ? options.evaluateEvery() : session.batcher.batchesPerEpoch();
        return step % every == 0 || step == session.steps;
    }

    /** What was best in the stage before counts no longer: it cannot be compared, and lacks what this one trains. */
    private void nextStage() {
        session.nextStage();
        best.restart();
        tellStage();
    }

    private void tellStage() {
        session.stages.current().ifPresent(stage -> {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("stage", stage.name());
            line.put(
                    "training_weights",
                    session.training().mapToLong(Parameter::size).sum());
            log().write("stage", step, line);
            listener.phase("training, stage " + stage.name());
        });
    }

    private void trainOneStep() {
        if (session.stages.beginsAt(step)) {
            nextStage();
        }
        long start = System.nanoTime();
        int perEpoch = session.batcher.batchesPerEpoch();
        var batch = profile.in(Part.DATA, () -> session.batcher.batch(step / perEpoch, step % perEpoch));
        double rate = session.stages.rate(step);
        var result = pass(batch.split(options.accumulation()), rate);
        if (!Double.isFinite(result.loss() + result.auxiliaryLoss())) {
            throw new InputException(diverged("loss is " + result.loss(), rate));
        }
        double norm = profile.in(Part.OPTIMIZER, () -> update(batch.task(), rate));
        session.adapted.adapter().balance(result.observations());
        step++;
        meter.add(result, System.nanoTime() - start);
        profile.stepped(System.nanoTime() - start);
        routers.add(result.observations());
        tell(result.loss());
        if (step % options.log().logEvery() == 0 || step == session.steps) {
            var line = meter.line(step / (double) perEpoch, rate, norm);
            line.put("memory_mb", memory.sample());
            log().write("train", step, withStage(line));
        }
    }

    /** Forward and backward; a budget that asks for it sees the step's data before. */
    private TrainingStep.Result pass(List<Batch> microBatches, double rate) {
        var random = session.random.at(step);
        session.budget.ifPresent(budget -> budget.beforeStep(
                step,
                sink -> session.step.run(microBatches.subList(0, 1), random, Optional.of(sink)),
                session.optimizer));
        var sink = session.budget.flatMap(budget -> budget.sink(step, rate, microBatches.size()));
        return session.step.run(microBatches, random, sink);
    }

    private Map<String, Object> withStage(Map<String, Double> line) {
        Map<String, Object> staged = new LinkedHashMap<>(line);
        session.stages.current().ifPresent(stage -> staged.put("stage", stage.name()));
        return staged;
    }

    /** Applies the last step's gradients as the method transforms them, clipped; their norm before clipping. */
    private double update(int task, double rate) {
        var gradients = session.gradients(task);
        session.transform.ifPresent(transform -> transform.apply(gradients));
        try {
            double norm = GradientClipping.clip(
                    gradients, options.clipNorm() > 0 ? options.clipNorm() : Double.POSITIVE_INFINITY);
            session.optimizer.step(gradients, rate);
            session.budget.ifPresent(budget -> session.optimizer.forget(budget.afterUpdate(step, gradients)));
            return norm;
        } catch (NonFiniteGradientException e) {
            throw new InputException(diverged("gradient norm is " + e.norm(), rate), e);
        }
    }

    private String diverged(String what, double rate) {
        return "Training diverged at step " + (step + 1) + ": its " + what + ", at a learning rate of " + rate
                + "; lower learning-rate, or raise the warm-up, and start another run. The last good state is kept in "
                + folder.path() + ".";
    }

    private void tell(double loss) {
        var metric = best.validated() ? OptionalDouble.of(selection.shown(best.lastScore())) : OptionalDouble.empty();
        listener.step(new ProgressListener.Step(
                step,
                session.steps,
                loss,
                metric,
                meter.recentTokensPerSecond(),
                meter.secondsFor(session.steps - step)));
    }

    /** Judges the weights on every validation split; the best ones so far go to the adapter folder. */
    private void validate() {
        session.budget.ifPresent(BudgetSchedule::settle);
        routers.write(log(), step);
        ExpertSimilarity.of(session.adapted.adapter())
                .forEach((module, similarity) ->
                        similarity.line().ifPresent(line -> log().write("similarity", step, withModule(module, line))));
        session.budget.ifPresent(budget -> budget.ranks()
                .forEach((module, rank) -> log().write("rank", step, Map.of("module", module, "rank", rank))));
        var evaluations = new ArrayList<Evaluation>();
        int generateTokens = selection.needsGeneration() ? options.generateTokens() : 0;
        for (int place = 0; place < session.tasks.size(); place++) {
            if (!session.tasks.get(place).validation().isEmpty()) {
                var evaluation = session.evaluate(place, Split.VALIDATION, generateTokens);
                log().write("validation", step, line(evaluation));
                evaluations.add(evaluation);
            }
        }
        if (evaluations.isEmpty()) {
            return;
        }
        boolean better = best.offer(step, selection.score(evaluations));
        if (better) {
            session.adapted.save(folder.adapter());
        }
        evaluations.forEach(evaluation -> listener.validation(
                new ProgressListener.Validation(step, evaluation.task(), evaluation.metrics(), better)));
    }

    private void save() {
        var state = new TrainingState(
                step, settings, best.state(), meter.state(), routers.state(), seconds(), log().flush());
        state.write(
                folder.state(),
                session.weights,
                best.weights(),
                session.optimizer.state(),
                session.budget.map(BudgetSchedule::state).orElse(Map.of()));
    }

    /** Ends a run that is to be resumed; it has an adapter folder already. */
    TrainingResult stopped() {
        if (!best.exists()) {
            session.budget.ifPresent(BudgetSchedule::settle);
            session.adapted.save(folder.adapter());
        }
        writeReport();
        return result(true, List.of());
    }

    /** Tests the best weights and writes what the run came to. */
    TrainingResult finish() {
        if (best.exists()) {
            best.apply();
        }
        session.adapted.save(folder.adapter());
        var tests = new ArrayList<Evaluation>();
        for (int place = 0; place < session.tasks.size(); place++) {
            var task = session.tasks.get(place);
            if (!task.test().isEmpty()) {
                listener.phase("testing " + task.task().name());
                tests.add(session.evaluate(place, Split.TEST, options.generateTokens()));
            }
        }
        var result = result(false, tests);
        KeptLog.write(log(), result.bestStep(), session.adapted.adapter());
        profile.write(log(), step);
        tests.forEach(test -> log().write("test", result.bestStep(), testLine(test)));
        log().write("summary", step, summary(result));
        writeReport();
        return result;
    }

    private void writeReport() {
        log().flush();
        var title =
                String.join(", ", training.tasks().stream().map(TaskData::name).toList()) + " on " + training.model();
        Report.write(folder.report(), title, List.of(RunHistory.read(folder.path())));
    }

    private TrainingResult result(boolean stopped, List<Evaluation> tests) {
        return new TrainingResult(
                folder,
                training.adapter().method(),
                stopped,
                step,
                session.steps,
                best.exists() ? best.step() : step,
                session.trained.stream().mapToLong(Parameter::size).sum(),
                session.adapted.adapter().trainedWeights(),
                seconds(),
                meter.seconds(),
                meter.tokens(),
                meter.tokensPerSecond(),
                memory.megabytes(),
                profile.profile(),
                tests);
    }

    private double seconds() {
        return (System.nanoTime() - startNanos) / NANOS;
    }

    private static Map<String, Object> withModule(String module, Map<String, Object> values) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("module", module);
        line.putAll(values);
        return line;
    }

    private static Map<String, Object> line(Evaluation evaluation) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("task", evaluation.task());
        line.putAll(evaluation.metrics());
        return line;
    }

    private static Map<String, Object> testLine(Evaluation test) {
        var line = line(test);
        test.intervals().forEach((metric, interval) -> {
            line.put(metric + "_low", interval.low());
            line.put(metric + "_high", interval.high());
        });
        test.confusion().ifPresent(matrix -> {
            line.put("labels", matrix.labels());
            line.put("confusion", matrix.counts());
        });
        return line;
    }

    private static Map<String, Object> summary(TrainingResult result) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("method", result.method());
        line.put("trained_weights", result.trainedWeights());
        line.put("trained_weights_adapter", result.trainedWeightsAdapter());
        line.put("seconds", result.seconds());
        line.put("train_seconds", result.trainSeconds());
        line.put("train_tokens", result.trainTokens());
        line.put("tokens_per_second", result.tokensPerSecond());
        line.put("peak_memory_mb", result.peakMemoryMb());
        line.put("steps", result.step());
        line.put("best_step", result.bestStep());
        return line;
    }

    private MetricsLog log() {
        if (log == null) {
            throw new IllegalStateException("the run has not begun");
        }
        return log;
    }

    @Override
    public void close() {
        if (log != null) {
            log.close();
        }
        best.close();
    }
}
