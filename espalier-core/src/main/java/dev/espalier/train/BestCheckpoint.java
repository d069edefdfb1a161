package dev.espalier.train;

import dev.espalier.tensor.Parameter;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** The weights that did best on validation, and how long ago that was. */
final class BestCheckpoint implements AutoCloseable {
    private final Snapshot snapshot;
    private int step;
    private double score = Double.NaN;
    private double lastScore = Double.NaN;
    private int worseSince;

    BestCheckpoint(List<Parameter> parameters) {
        snapshot = new Snapshot(parameters);
    }

    /**
     * What a resumed run must know beside the weights.
     *
     * @param step of the best validation; 0 if there is none
     * @param score of the best; higher is better
     * @param lastScore of the last validation
     * @param worseSince validations since the best
     */
    record State(int step, double score, double lastScore, int worseSince) {}

    State state() {
        return new State(step, score, lastScore, worseSince);
    }

    void restore(State state, Map<String, Tensor> weights) {
        step = state.step();
        score = state.score();
        lastScore = state.lastScore();
        worseSince = state.worseSince();
        snapshot.load(weights);
    }

    /** Takes the weights as they are now if they beat those so far; says whether they do. */
    boolean offer(int step, double score) {
        lastScore = score;
        if (!Selection.better(score, this.score)) {
            worseSince++;
            return false;
        }
        this.step = step;
        this.score = score;
        worseSince = 0;
        snapshot.take();
        return true;
    }

    /** Forgets what came before, as if there had been no validation. */
    void restart() {
        step = 0;
        score = Double.NaN;
        worseSince = 0;
    }

    /** Whether any validation gave a score. */
    boolean exists() {
        return step > 0;
    }

    int step() {
        return step;
    }

    /** Whether there was a validation. */
    boolean validated() {
        return exists() || worseSince > 0;
    }

    double lastScore() {
        return lastScore;
    }

    /** Validations since the best one. */
    int worseSince() {
        return worseSince;
    }

    /** The best weights by name. */
    Map<String, Tensor> weights() {
        return snapshot.tensors();
    }

    /** Sets the model's weights to the best ones. */
    void apply() {
        snapshot.restore();
    }

    @Override
    public void close() {
        snapshot.close();
    }
}
