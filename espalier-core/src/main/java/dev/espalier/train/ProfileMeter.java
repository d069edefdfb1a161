package dev.espalier.train;

import dev.espalier.report.StepProfile;
import dev.espalier.tensor.Profile;
import dev.espalier.tensor.Profile.Part;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** What the steps of a run spend their time and memory on, where it is to be measured. */
final class ProfileMeter {
    private static final double NANOS = 1e9;

    private final boolean measures;
    private final Session session;
    private final Profile around = new Profile();
    private int steps;
    private long nanos;

    ProfileMeter(boolean measures, Session session) {
        this.measures = measures;
        this.session = session;
        if (measures) {
            session.step.profile();
        }
    }

    /** Takes the time of {@code work}, which is done between passes, for {@code part}. */
    <T> T in(Part part, Supplier<T> work) {
        return measures ? around.measure(part, work) : work.get();
    }

    /** A step has ended that took so long. */
    void stepped(long stepNanos) {
        steps++;
        nanos += stepNanos;
    }

    /** The mean of the steps so far; none where nothing is measured. */
    Optional<StepProfile> profile() {
        return measures && steps > 0
                ? Optional.of(StepProfile.of(
                        session.step.profiled(), around, steps, session.step.workersAtWork(), nanos / NANOS))
                : Optional.empty();
    }

    /** Writes a line for each part. */
    void write(MetricsLog log, int step) {
        profile().ifPresent(profile -> profile.parts().forEach(part -> {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("part", part.part().title());
            line.put("forward_seconds", part.forwardSeconds());
            line.put("backward_seconds", part.backwardSeconds());
            line.put("share", part.seconds() / profile.stepSeconds());
            line.put("kept_mb", part.keptBytes() / 1e6);
            log.write("profile", step, line);
        }));
    }
}
