package dev.espalier.adapter;

import dev.espalier.adapter.MixtureSpec.Choice;
import dev.espalier.adapter.MixtureSpec.Kind;
import dev.espalier.adapter.MixtureSpec.Scorer;
import dev.espalier.routing.RouterNoise;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** What is tried of the mixtures beside the methods as they are: names, and small specs. */
final class MixtureCompositions {
    private MixtureCompositions() {}

    /** Every method, and what no method has by default. */
    static Stream<Arguments> all() {
        Map<String, Consumer<MixtureBuilder>> others = Map.of(
                "bottleneck", m -> m.kind(Kind.BOTTLENECK),
                "sequence", m -> m.scorer(Scorer.SEQUENCE),
                "layer", m -> m.scorer(Scorer.LAYER),
                "arrow", m -> m.form(form(RouterForm.Kind.ARROW)).choice(Choice.TOP_K).topK(2),
                "noise and jitter", m -> m.noise(new RouterNoise(.5, .3)),
                "z and entropy losses",
                        m -> m.zCoefficient(.3).entropyCoefficient(-.2).varianceCoefficient(.5),
                "threshold and network",
                        m -> m.choice(Choice.LEARNED_THRESHOLD)
                                .renormalise(true)
                                .form(form(RouterForm.Kind.MLP)),
                "jittered network", m -> m.form(form(RouterForm.Kind.MLP)).noise(new RouterNoise(0, .3)),
                "jittered prototypes",
                        m -> m.form(form(RouterForm.Kind.PROTOTYPE)).noise(new RouterNoise(0, .3)));
        var own = Stream.concat(
                Mixtures.all().keySet().stream().map(name -> Arguments.of(name, MixturesTest.small(Mixtures.of(name)))),
                others.entrySet().stream()
                        .map(other -> Arguments.of(
                                other.getKey(),
                                MixturesTest.small(Mixtures.of("molora")).with(other.getValue()))));
        return Stream.of(own, routers(), overlaps()).flatMap(each -> each);
    }

    /** Every form of a router, with every scope. */
    static Stream<Arguments> routers() {
        return Stream.of(RouterForm.Kind.values())
                .flatMap(kind -> Stream.of(Scorer.TOKEN, Scorer.SEQUENCE, Scorer.LAYER)
                        .map(scope -> Arguments.of(
                                kind + " by " + scope,
                                MixturesTest.small(Mixtures.of("mola"))
                                        .with(m -> m.scorer(scope).form(form(kind))))));
    }

    private static RouterForm form(RouterForm.Kind kind) {
        return new RouterForm(kind, 4, .5);
    }

    /** The loss on outputs that are alike, with every kind of expert and of choice. */
    static Stream<Arguments> overlaps() {
        var methods = Stream.of("molora", "mola", "adamole", "hydralora", "mode", "smora", "mlae", "goat")
                .map(name -> Arguments.of("overlap of " + name, overlapping(name)));
        return Stream.concat(
                methods,
                Stream.of(
                        Arguments.of(
                                "overlap of bottlenecks", overlapping("mola").with(m -> m.kind(Kind.BOTTLENECK))),
                        Arguments.of("overlap by sequence", overlapping("mola").with(m -> m.scorer(Scorer.SEQUENCE)))));
    }

    private static MixtureSpec overlapping(String method) {
        return MixturesTest.small(Mixtures.of(method)).with(m -> m.overlapCoefficient(3));
    }
}
