package dev.espalier.study;

import dev.espalier.data.Split;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import dev.espalier.report.MergeCurves;
import dev.espalier.report.MergeCurves.Curve;
import dev.espalier.study.ScoredExperts.Job;
import dev.espalier.train.AdaptedModel;
import dev.espalier.train.Training;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * Merges trained adapters in many ways and scores what comes of it on the tasks of the merged adapters and on tasks that
 * none was trained for. Every score is written as it comes, so a study that was stopped goes on where it was, to the same
 * numbers.
 *
 * <p>Beside the merges stand the bare model, each task's own adapter by itself, and one adapter that was trained on all
 * tasks, where there is one; all on the same draws of tasks.
 */
public final class MergeStudy {
    /** Every score, a line each. */
    public static final String SCORES = "scores.jsonl";

    private static final String BARE = "bare model";

    private final Training training;
    private final StudyPlan plan;
    private final List<StudyExperts> experts;
    private final StudyTasks tasks;
    private final Path folder;
    private final List<String> all;

    /** Is told how it goes. */
    @FunctionalInterface
    public interface Listener {
        /**
         * Something is to be scored.
         *
         * @param what it is
         * @param place its number, from 1
         * @param of how many
         */
        void scoring(String what, int place, int of);
    }

    /**
     * @param training the base model, the study's tasks (those of the plan, each once) and the options for evaluation;
     *     its adapter plays no part
     * @param limit rows of a task that are scored at most; 0 for all
     * @param folder where {@value #SCORES} is
     * @throws InputException if a task has no rows to score on, or is of a kind that merges are not scored on
     */
    public MergeStudy(Training training, StudyPlan plan, List<StudyExperts> experts, int limit, Path folder) {
        this.training = training;
        this.plan = plan;
        this.experts = List.copyOf(experts);
        this.folder = folder;
        all = Stream.concat(plan.heldIn().stream(), plan.heldOut().stream()).toList();
        requireTasks(training.tasks());
        tasks = StudyTasks.of(training.tasks(), limit);
        tasks.metrics();
        all.forEach(task -> tasks.rows(task, Split.TEST));
        if (experts.stream().flatMap(kind -> kind.merges().stream()).anyMatch(m -> !m.lambdas()
                .isEmpty())) {
            plan.heldIn().forEach(task -> tasks.rows(task, Split.VALIDATION));
        }
        if (tasks.needGeneration() && training.options().generateTokens() == 0) {
            throw new InputException(
                    "Texts are scored by ROUGE-L; set training.generate-tokens to how long those may be that are written.");
        }
    }

    private void requireTasks(List<TaskData> given) {
        var names = given.stream().map(TaskData::name).toList();
        if (!names.equals(all)) {
            throw new IllegalArgumentException("the tasks " + names + " are not those of the plan, " + all);
        }
    }

    /** What tasks are judged by, for people. */
    public String metrics() {
        return tasks.metrics();
    }

    /**
     * Scores what is not scored yet.
     *
     * @param stop whether to stop before the next task
     * @return empty if it was stopped
     */
    public Optional<MergeCurves> run(BooleanSupplier stop, Listener listener) {
        try (var model = AdaptedModel.bare(training);
                var book = ScoreBook.open(folder.resolve(SCORES), settings())) {
            var turn = new Turn(stop, listener);
            var scorer = new StudyScorer(model, tasks, book, training.options().generateTokens(), turn);
            var kinds = new ArrayList<ScoredExperts>();
            try {
                experts.forEach(kind -> kinds.add(new ScoredExperts(kind, plan, scorer)));
                score(scorer, kinds, turn);
                return Optional.of(curves(scorer, kinds));
            } finally {
                kinds.forEach(ScoredExperts::close);
            }
        } catch (StudyScorer.Stopped e) {
            return Optional.empty();
        }
    }

    private void score(StudyScorer scorer, List<ScoredExperts> kinds, Turn turn) {
        var jobs = new ArrayList<Job>();
        jobs.add(new Job(BARE, () -> scorer.score(Subject.BARE, all, Split.TEST, Optional.empty())));
        kinds.forEach(kind -> jobs.addAll(kind.jobs()));
        for (var job : jobs) {
            turn.begin(job.what(), jobs.size());
            job.work().run();
        }
    }

    /** Tells of a job once there is something to score for it; it is asked before every task. */
    private static final class Turn implements BooleanSupplier {
        private final BooleanSupplier stop;
        private final Listener listener;
        private String what = "";
        private int place;
        private int of;
        private boolean told;

        Turn(BooleanSupplier stop, Listener listener) {
            this.stop = stop;
            this.listener = listener;
        }

        void begin(String job, int jobs) {
            what = job;
            of = jobs;
            place++;
            told = false;
        }

        @Override
        public boolean getAsBoolean() {
            if (!told) {
                listener.scoring(what, place, of);
                told = true;
            }
            return stop.getAsBoolean();
        }
    }

    private MergeCurves curves(StudyScorer scorer, List<ScoredExperts> kinds) {
        var curves = new ArrayList<Curve>();
        curves.add(new Curve(
                Optional.empty(),
                BARE,
                false,
                ScoredExperts.points(plan, scorer, plan.heldOut(), (drawn, draw, task) -> Subject.BARE)));
        kinds.forEach(kind -> curves.addAll(kind.curves()));
        return new MergeCurves(tasks.metrics(), plan.counts(), curves);
    }

    /** With any other of these, scores could not be compared. */
    private Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("model", training.model());
        settings.put("dtype", training.options().dtype());
        settings.put("pooling", training.pooling().toString());
        settings.put(
                "label embeddings",
                training.labelEmbeddings().map(Object::toString).orElse("none"));
        settings.put("max-tokens", Integer.toString(training.options().maxTokens()));
        settings.put("generate-tokens", Integer.toString(training.options().generateTokens()));
        settings.put("rows of a task", Integer.toString(tasks.limit()));
        settings.put("tasks", tasks.described());
        return settings;
    }
}
