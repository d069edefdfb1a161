package dev.espalier.train;

import dev.espalier.model.RouterObservation;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What every router did since the last lines about them. */
final class RouterLoad {
    private final Map<String, RouterObservation> sums = new LinkedHashMap<>();

    void add(List<RouterObservation> observations) {
        observations.forEach(observation -> sums.merge(observation.module(), observation, RouterLoad::sum));
    }

    private static RouterObservation sum(RouterObservation a, RouterObservation b) {
        return new RouterObservation(
                a.module(),
                sum(a.chosen(), b.chosen()),
                sum(a.kept(), b.kept()),
                sum(a.mass(), b.mass()),
                a.tokens() + b.tokens(),
                a.entropySum() + b.entropySum());
    }

    private static double[] sum(double[] a, double[] b) {
        var sum = a.clone();
        Arrays.setAll(sum, expert -> a[expert] + b[expert]);
        return sum;
    }

    private static long[] sum(long[] a, long[] b) {
        var sum = a.clone();
        Arrays.setAll(sum, expert -> a[expert] + b[expert]);
        return sum;
    }

    List<RouterObservation> state() {
        return List.copyOf(sums.values());
    }

    /** Writes a line for every router and begins anew. */
    void write(MetricsLog log, int step) {
        sums.values().forEach(router -> log.write("router", step, line(router)));
        sums.clear();
    }

    private static Map<String, Object> line(RouterObservation router) {
        double choices = Math.max(1, Arrays.stream(router.chosen()).sum());
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("module", router.module());
        line.put("load", load(router, choices));
        line.put("dropped", 1 - Arrays.stream(router.kept()).sum() / choices);
        line.put("entropy", router.entropySum() / Math.max(1, router.tokens()));
        return line;
    }

    /** The share of the choices that each expert got; of the gates where every token is given all experts. */
    private static double[] load(RouterObservation router, double choices) {
        boolean dense = Arrays.stream(router.chosen()).allMatch(chosen -> chosen == router.tokens());
        double gates = Math.max(Double.MIN_NORMAL, Arrays.stream(router.mass()).sum());
        return dense
                ? Arrays.stream(router.mass()).map(mass -> mass / gates).toArray()
                : Arrays.stream(router.chosen())
                        .mapToDouble(chosen -> chosen / choices)
                        .toArray();
    }
}
