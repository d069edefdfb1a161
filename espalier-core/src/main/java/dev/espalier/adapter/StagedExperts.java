package dev.espalier.adapter;

import dev.espalier.model.LinearDelta;
import dev.espalier.routing.SharedRouter;
import dev.espalier.routing.TaskRouter;
import java.util.List;

/**
 * The experts of one linear that {@link MixtureStages} train one after another: {@code universal.lora_A.weight [r, in]} and
 * {@code universal.lora_B.weight [out, r]} for all tasks, {@code experts.*} for one task each, and a router.
 *
 * <ul>
 *   <li>universal: the universal expert acts, on every token.
 *   <li>experts: every sequence has the expert of its task, and where the universal expert is residual that too.
 *   <li>router: the router weighs the tasks' experts, the universal one among them as the first, or with that beside them
 *       where it is residual. It is told no tasks.
 * </ul>
 */
final class StagedExperts {
    private final MixtureParts parts;
    private final MixtureStages plan;

    StagedExperts(MixtureParts parts, MixtureStages plan) {
        this.parts = parts;
        this.plan = plan;
    }

    LinearDelta delta() {
        var a = parts.a();
        var b = parts.b();
        int experts = parts.experts();
        var byTask = parts.lowRank(a, b, experts, new TaskRouter(parts.name(), experts, 0));
        if (!plan.universal()) {
            var routed = parts.lowRank(a, b, experts, parts.tokenRouter(experts));
            return byPhase(byTask, byTask, routed);
        }
        var universalA = parts.universalA();
        var universalB = parts.universalB();
        var universal = parts.lowRank(universalA, universalB, 1, null);
        if (plan.residual()) {
            var routed = parts.lowRank(a, b, experts, parts.tokenRouter(experts));
            return byPhase(
                    universal, new SumDelta(List.of(universal, byTask)), new SumDelta(List.of(universal, routed)));
        }
        var router = new SharedRouter(parts.tokenRouter(experts + 1));
        var routed = List.of(
                parts.lowRank(universalA, universalB, 1, router.columns(0, 1)),
                parts.lowRank(a, b, experts, router.columns(1, experts)));
        return byPhase(universal, byTask, new SumDelta(routed));
    }

    private StagedDelta byPhase(LinearDelta universal, LinearDelta experts, LinearDelta routed) {
        return new StagedDelta(plan.phases().stream()
                .map(phase -> switch (phase) {
                    case UNIVERSAL -> universal;
                    case EXPERTS -> experts;
                    case ROUTER -> routed;
                })
                .toList());
    }
}
