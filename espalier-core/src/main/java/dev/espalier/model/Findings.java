package dev.espalier.model;

import java.util.ArrayList;
import java.util.List;

/** What the layers of a pass hand back. */
final class Findings {
    private final List<RouterObservation> observations = new ArrayList<>();
    private double auxiliaryLoss;

    void add(RouterObservation observation) {
        observations.add(observation);
    }

    void addAuxiliaryLoss(double loss) {
        auxiliaryLoss += loss;
    }

    List<RouterObservation> observations() {
        return List.copyOf(observations);
    }

    double auxiliaryLoss() {
        return auxiliaryLoss;
    }
}
