package dev.espalier.study;

import dev.espalier.adapter.DeltaSource;
import dev.espalier.data.Split;
import dev.espalier.evaluate.Estimate;
import dev.espalier.evaluate.Metric;
import dev.espalier.merge.MergeMethod;
import dev.espalier.merge.MergeMethods;
import dev.espalier.merge.MergePlan;
import dev.espalier.merge.Merger;
import dev.espalier.merge.Sparsifier;
import dev.espalier.report.MergeCurves.Curve;
import dev.espalier.report.MergeCurves.Draw;
import dev.espalier.report.MergeCurves.Point;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The adapters of one kind: what is made of them, and what it scores. */
final class ScoredExperts implements AutoCloseable {
    private static final String OWN = "each its own";
    private static final String MULTITASK = "multitask training";

    /** One adapter as it is: the mean of one. */
    private static final MergePlan ALONE = MergePlan.of(MergeMethods.of("average"));

    private final StudyExperts experts;
    private final StudyPlan plan;
    private final StudyScorer scorer;
    private final OpenExperts adapters;
    private final OpenExperts multitask;

    /** Who answers a task of a draw. */
    interface Answering {
        Subject subject(List<String> drawn, int draw, String task);
    }

    /** Something to score. */
    record Job(String what, Runnable work) {}

    ScoredExperts(StudyExperts experts, StudyPlan plan, StudyScorer scorer) {
        this.experts = experts;
        this.plan = plan;
        this.scorer = scorer;
        var base = scorer.model().model();
        adapters = new OpenExperts(base, experts.folders());
        multitask = new OpenExperts(
                base,
                experts.multitask().map(folder -> Map.of(MULTITASK, folder)).orElse(Map.of()));
    }

    /** All that is to be scored, in order. */
    List<Job> jobs() {
        var jobs = new ArrayList<Job>();
        jobs.add(new Job(experts.kind() + ", " + OWN, () -> plan.heldIn().forEach(this::scoreOwn)));
        if (experts.multitask().isPresent()) {
            jobs.add(new Job(experts.kind() + ", " + MULTITASK, this::scoreMultitask));
        }
        for (var count : plan.counts()) {
            var drawn = plan.drawn(count);
            for (int place = 0; place < drawn.size(); place++) {
                int draw = place;
                experts.merges()
                        .forEach(merge -> jobs.add(new Job(
                                experts.kind() + ", " + merge.name() + " of " + count
                                        + (drawn.size() > 1 ? ", draw " + (draw + 1) : ""),
                                () -> scoreMerged(merge, drawn.get(draw), draw))));
            }
        }
        return jobs;
    }

    private Subject own(String task) {
        var tasks = List.of(task);
        return new Subject(experts.kind(), OWN, tasks, 0, adapters.checksum(tasks));
    }

    private void scoreOwn(String task) {
        var tasks = List.of(task);
        scorer.score(own(task), tasks, Split.TEST, Optional.of(() -> new Merger(adapters.of(tasks), ALONE)));
    }

    private Subject multitask() {
        return new Subject(experts.kind(), MULTITASK, plan.heldIn(), 0, multitask.checksum(List.of(MULTITASK)));
    }

    private void scoreMultitask() {
        scorer.score(
                multitask(),
                everywhere(plan.heldIn()),
                Split.TEST,
                Optional.of(() -> new Merger(multitask.of(List.of(MULTITASK)), ALONE)));
    }

    private Subject merged(MergeMethod method, List<String> tasks, int draw) {
        return new Subject(experts.kind(), method.toString(), tasks, seed(method, draw), adapters.checksum(tasks));
    }

    private long seed(MergeMethod method, int draw) {
        boolean random = method.sparsifier() instanceof Sparsifier.Random
                || method.sparsifier() instanceof Sparsifier.RankProbability;
        return random ? plan.seed() + draw : 0;
    }

    private void scoreMerged(StudyMerge merge, List<String> tasks, int draw) {
        if (!merge.lambdas().isEmpty()) {
            merge.candidates()
                    .forEach(method -> scorer.score(
                            merged(method, tasks, draw), tasks, Split.VALIDATION, merger(method, tasks, draw)));
        }
        var chosen = chosen(merge, tasks, draw);
        scorer.score(merged(chosen, tasks, draw), everywhere(tasks), Split.TEST, merger(chosen, tasks, draw));
    }

    private Optional<Supplier<DeltaSource>> merger(MergeMethod method, List<String> tasks, int draw) {
        return Optional.of(
                () -> new Merger(adapters.of(tasks), MergePlan.of(method).withSeed(seed(method, draw))));
    }

    /** The candidate that does best on the validation rows, which are scored already; the first of equals. */
    private MergeMethod chosen(StudyMerge merge, List<String> tasks, int draw) {
        return merge.lambdas().isEmpty()
                ? merge.method()
                : merge.candidates().stream()
                        .max(Comparator.comparing(
                                method -> scorer.mean(merged(method, tasks, draw), tasks, Split.VALIDATION),
                                Metric.HIGHER_IS_BETTER))
                        .orElseThrow();
    }

    private List<String> everywhere(List<String> tasks) {
        return Stream.concat(tasks.stream(), plan.heldOut().stream()).toList();
    }

    /** What has come of it, once all is scored. */
    List<Curve> curves() {
        var curves = new ArrayList<Curve>();
        var kind = Optional.of(experts.kind());
        curves.add(new Curve(kind, OWN, false, points(plan, scorer, List.of(), (drawn, draw, task) -> own(task))));
        if (experts.multitask().isPresent()) {
            curves.add(new Curve(
                    kind, MULTITASK, false, points(plan, scorer, plan.heldOut(), (drawn, draw, task) -> multitask())));
        }
        for (var merge : experts.merges()) {
            curves.add(new Curve(
                    kind,
                    merge.name(),
                    true,
                    points(
                            plan,
                            scorer,
                            plan.heldOut(),
                            (drawn, draw, task) -> merged(chosen(merge, drawn, draw), drawn, draw))));
        }
        return curves;
    }

    /** The scores of all draws of all counts, which are in the book. */
    static List<Point> points(StudyPlan plan, StudyScorer scorer, List<String> heldOut, Answering answering) {
        return plan.counts().stream()
                .map(count -> {
                    var drawn = plan.drawn(count);
                    return new Point(
                            count,
                            scorer.tasks().range(),
                            IntStream.range(0, drawn.size())
                                    .mapToObj(draw -> new Draw(
                                            scores(scorer, drawn.get(draw), drawn.get(draw), draw, answering),
                                            scores(scorer, heldOut, drawn.get(draw), draw, answering)))
                                    .toList());
                })
                .toList();
    }

    private static Map<String, Estimate> scores(
            StudyScorer scorer, List<String> tasks, List<String> drawn, int draw, Answering answering) {
        Map<String, Estimate> scores = new LinkedHashMap<>();
        tasks.forEach(task -> scores.put(task, scorer.of(answering.subject(drawn, draw, task), task, Split.TEST)));
        return scores;
    }

    @Override
    public void close() {
        adapters.close();
        multitask.close();
    }
}
