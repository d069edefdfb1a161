package dev.espalier.train;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.Stage;
import dev.espalier.error.InputException;
import dev.espalier.optim.Schedule;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Which of a run's steps belong to which stage of its adapter's plan, and the stage it is in; a run without a plan is one
 * stage. Each has a learning-rate schedule of its own, warm-up and decay over its steps, for what trains in it begins anew.
 */
final class RunStages {
    private final Adapter adapter;
    private final List<Stage> plan;
    private final int[] ends;
    private final List<Schedule> schedules = new ArrayList<>();
    private int current;

    /** @throws InputException if the run has too few steps */
    RunStages(Adapter adapter, TrainingOptions options, int steps) {
        this.adapter = adapter;
        plan = adapter.spec().trainingStages();
        ends = plan.isEmpty() ? new int[] {steps} : ends(plan, steps);
        for (int place = 0; place < ends.length; place++) {
            schedules.add(options.schedule(ends[place] - start(place)));
        }
        enter(0);
    }

    /** Where each stage ends: its share of the steps, rounded. */
    private static int[] ends(List<Stage> plan, int steps) {
        var ends = new int[plan.size()];
        double share = 0;
        for (int place = 0; place < ends.length; place++) {
            share += plan.get(place).share();
            ends[place] = place == ends.length - 1 ? steps : (int) Math.round(share * steps);
            if (ends[place] <= (place == 0 ? 0 : ends[place - 1])) {
                throw new InputException("A run of " + steps + " steps has no room for the stage '"
                        + plan.get(place).name() + "' among "
                        + plan.stream().map(Stage::name).collect(Collectors.joining(", "))
                        + "; raise its share, or train for longer.");
            }
        }
        return ends;
    }

    private int start(int place) {
        return place == 0 ? 0 : ends[place - 1];
    }

    private void enter(int place) {
        current = place;
        if (!plan.isEmpty()) {
            adapter.enter(place);
        }
    }

    /** Whether a stage begins with {@code step}, from 0, that is not the first. */
    boolean beginsAt(int step) {
        return step == ends[current] && !isLast();
    }

    /** Goes on to the next stage. */
    void next() {
        enter(current + 1);
    }

    /** Takes up a run again that has done so many steps. */
    void resume(int done) {
        while (done > ends[current]) {
            next();
        }
    }

    /** Whether no other stage follows. */
    boolean isLast() {
        return current == ends.length - 1;
    }

    /** The stage that the run is in, if its adapter has a plan. */
    Optional<Stage> current() {
        return plan.isEmpty() ? Optional.empty() : Optional.of(plan.get(current));
    }

    /** Whether heads train now. */
    boolean heads() {
        return current().map(Stage::heads).orElse(true);
    }

    /** The learning rate of {@code step}, from 0, which lies in this stage. */
    double rate(int step) {
        return schedules.get(current).rate(step - start(current));
    }
}
