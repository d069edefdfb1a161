package dev.espalier.adapter;

import dev.espalier.adapter.MixtureSpec.Balance;
import dev.espalier.adapter.MixtureSpec.Choice;
import dev.espalier.adapter.MixtureSpec.Initialisation;
import dev.espalier.adapter.MixtureSpec.Kind;
import dev.espalier.adapter.MixtureSpec.Scorer;
import dev.espalier.routing.Activation;
import dev.espalier.routing.LoadBalanceLoss;
import dev.espalier.routing.RouterNoise;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the methods of {@link Mixtures} start from. */
final class PlainMixture {
    /** Own low-rank experts with softmax gates, all chosen, no loss, no noise, all trained at once. */
    static final MixtureSpec SPEC = new MixtureSpec(
            "",
            TargetModules.DEFAULT,
            new MixtureSpec.Experts(
                    Kind.LORA,
                    ModuleNames.of(List.of()),
                    4,
                    Map.of(),
                    false,
                    List.of(),
                    4,
                    Map.of(),
                    List.of(),
                    16,
                    0.05,
                    Initialisation.DEFAULT,
                    0),
            new MixtureSpec.Routing(
                    Scorer.TOKEN,
                    RouterForm.DEFAULT,
                    Activation.SOFTMAX,
                    Choice.ALL,
                    1,
                    Optional.empty(),
                    false,
                    false,
                    0,
                    Optional.empty(),
                    false,
                    0,
                    true,
                    RouterNoise.NONE,
                    false),
            new MixtureSpec.Losses(
                    Balance.LOAD,
                    0,
                    LoadBalanceLoss.Scale.BY_SELECTION,
                    LoadBalanceLoss.Scope.SEQUENCE,
                    0,
                    false,
                    0,
                    0,
                    0,
                    0,
                    0),
            MixtureStages.NONE);

    private PlainMixture() {}
}
