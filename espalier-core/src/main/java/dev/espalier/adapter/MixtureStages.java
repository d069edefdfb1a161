package dev.espalier.adapter;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.espalier.error.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The stages that a mixture trains in, one part after another; see {@link StagedExperts} for what acts in each.
 *
 * @param phases in their order, the router last; none where all trains at once
 * @param shares of the run's steps, of each phase
 * @param residual whether the universal expert acts beside the others always, and the router does not weigh it
 */
public record MixtureStages(List<Phase> phases, List<Double> shares, boolean residual) {
    /** All trains at once. */
    public static final MixtureStages NONE = new MixtureStages(List.of(), List.of(), false);

    /** Shares are numbers that people write, such as thirds. */
    private static final double ROUNDING = 1e-3;

    /** What trains in a stage. */
    public enum Phase {
        /** One expert, on all tasks. */
        @JsonProperty("universal")
        UNIVERSAL("universal"),

        /** An expert for each task, on that task. */
        @JsonProperty("experts")
        EXPERTS("experts"),

        /** The router among them, on all tasks; experts and heads stay as they are. */
        @JsonProperty("router")
        ROUTER("router");

        private final String label;

        Phase(String label) {
            this.label = label;
        }

        private Stage stage(double share) {
            return switch (this) {
                case UNIVERSAL -> new Stage(label, share, List.of("universal."), true);
                case EXPERTS -> new Stage(label, share, List.of("experts."), true);
                case ROUTER -> new Stage(label, share, List.of("router.weight", "router.hidden.", "threshold."), false);
            };
        }
    }

    public MixtureStages {
        phases = List.copyOf(phases);
        shares = List.copyOf(shares);
        double sum = shares.stream().mapToDouble(share -> share).sum();
        boolean positive = shares.stream().allMatch(share -> share > 0);
        if (shares.size() != phases.size() || !positive || (!phases.isEmpty() && !(Math.abs(sum - 1) < ROUNDING))) {
            throw new InputException("stage-shares must be " + phases.size() + " numbers above 0 that add up to 1, for "
                    + phases.stream().map(phase -> phase.label).collect(Collectors.joining(", ")) + ", not " + shares
                    + ".");
        }
        if (!phases.isEmpty() && phases.get(phases.size() - 1) != Phase.ROUTER) {
            throw new InputException("The last stage of a mixture trains its router, not " + phases + "; add it.");
        }
    }

    /** The same phases with other shares. */
    public MixtureStages withShares(List<Double> given) {
        return new MixtureStages(phases, given, residual);
    }

    /** The same with the universal expert always there, or as one among the others. */
    public MixtureStages withResidual(boolean given) {
        return new MixtureStages(phases, shares, given);
    }

    /** Whether there are any. */
    boolean any() {
        return !phases.isEmpty();
    }

    /** Whether there is an expert for all tasks. */
    boolean universal() {
        return phases.contains(Phase.UNIVERSAL);
    }

    /** As a run carries them out. */
    List<Stage> stages() {
        var stages = new ArrayList<Stage>();
        for (int i = 0; i < phases.size(); i++) {
            stages.add(phases.get(i).stage(shares.get(i)));
        }
        return List.copyOf(stages);
    }
}
