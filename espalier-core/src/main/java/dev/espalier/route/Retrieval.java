package dev.espalier.route;

import dev.espalier.data.Input;
import dev.espalier.model.SequenceGuide;
import dev.espalier.train.InputGuide;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Finds the adapters for inputs by the embedding of their texts; see {@link Routing.Retrieve}. */
final class Retrieval implements InputGuide {
    private final SentenceEncoder encoder;
    private final List<float[]> centroids;
    private final Routing.Retrieve routing;

    /**
     * @param encoder closed with this
     * @param centroids of the adapters, of length 1
     */
    Retrieval(SentenceEncoder encoder, List<float[]> centroids, Routing.Retrieve routing) {
        this.encoder = encoder;
        this.centroids = List.copyOf(centroids);
        this.routing = routing;
    }

    /** The mean of {@code vectors}, scaled to length 1. */
    static float[] centroid(List<float[]> vectors) {
        var mean = new double[vectors.get(0).length];
        for (var vector : vectors) {
            for (int i = 0; i < mean.length; i++) {
                mean[i] += vector[i];
            }
        }
        double square = 0;
        for (double each : mean) {
            square += each * each;
        }
        var centroid = new float[mean.length];
        for (int i = 0; i < mean.length; i++) {
            centroid[i] = (float) (mean[i] / Math.max(Math.sqrt(square), 1e-12));
        }
        return centroid;
    }

    /** The cosines of every text with every adapter, {@code [texts][adapters]}. */
    List<double[]> scores(List<String> texts) {
        return encoder.embed(texts).stream()
                .map(vector -> centroids.stream()
                        .mapToDouble(centroid -> dot(vector, centroid))
                        .toArray())
                .toList();
    }

    /** The adapters' weights for a text of such cosines. */
    float[] weights(double[] scores) {
        var chosen = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -scores[i])) // stable: of equals the first
                .limit(routing.topK())
                .toList();
        var shares = chosen.stream()
                .mapToDouble(i -> routing.temperature()
                        .map(t -> Math.exp((scores[i] - scores[chosen.get(0)]) / t))
                        .orElse(1.0))
                .toArray();
        double sum =
                IntStream.range(0, shares.length).mapToDouble(i -> shares[i]).sum();
        var weights = new float[scores.length];
        for (int i = 0; i < shares.length; i++) {
            weights[chosen.get(i)] = (float) (shares[i] / sum);
        }
        return weights;
    }

    @Override
    public SequenceGuide of(List<Input> inputs) {
        var weights = new ArrayList<float[]>();
        scores(inputs.stream().map(SentenceEncoder::text).toList()).forEach(scores -> weights.add(weights(scores)));
        return SequenceGuide.experts(weights);
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    @Override
    public void close() {
        encoder.close();
    }
}
