package dev.espalier.model;

import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A head's weights: from the checkpoint where it has them in the right shape, else new (normal with the config's
 * {@code initializer_range}, biases zero). Projections always train; a dense layer from the checkpoint stays frozen.
 */
final class HeadWeights {
    private final Weights weights;
    private final double std;
    private final RandomStream random;
    private final Set<Linear> fresh = new LinkedHashSet<>();

    HeadWeights(Weights weights, double std, RandomStream random) {
        this.weights = weights;
        this.std = std;
        this.random = random;
    }

    Linear linear(String path, int out, int in) {
        var weight = weights.copy(path + ".weight", out, in);
        var bias = weights.copy(path + ".bias", out);
        if (weight.isPresent() && bias.isPresent()) {
            return new Linear(path, weight.get(), bias.get());
        }
        var linear = new Linear(
                path,
                weights.fresh(path + ".weight", Initialiser.normal(std, random.at(path), out, in)),
                weights.fresh(path + ".bias", Initialiser.zeros(out)));
        fresh.add(linear);
        return linear;
    }

    /**
     * Adds {@code linear} to what is trained as part of module {@code path}, if it is new or the head's projection;
     * else freezes it.
     */
    void addTrained(List<Head.TrainedModule> trained, String path, Linear linear) {
        boolean projection =
                linear.name().endsWith("classifier") || linear.name().contains("classifier.");
        if (!projection && !fresh.contains(linear)) {
            linear.parameters().forEach(p -> p.trainable(false));
            return;
        }
        var parameters = new ArrayList<Parameter>();
        trained.stream().filter(m -> m.path().equals(path)).forEach(m -> parameters.addAll(m.parameters()));
        trained.removeIf(m -> m.path().equals(path));
        parameters.addAll(linear.parameters());
        trained.add(new Head.TrainedModule(path, List.copyOf(parameters)));
    }
}
