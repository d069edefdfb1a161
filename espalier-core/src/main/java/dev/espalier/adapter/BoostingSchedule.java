package dev.espalier.adapter;

import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/** At the end of each round but the last, puts what was trained with what is done and begins anew; see {@link BoostedLora}. */
final class BoostingSchedule implements BudgetSchedule {
    private final Map<String, SumDelta> modules = new LinkedHashMap<>();
    private final int rounds;
    private final int steps;
    private int done;

    BoostingSchedule(Adapter adapter, int rounds, int steps) {
        this.rounds = rounds;
        this.steps = steps;
        adapter.deltas().forEach((path, delta) -> modules.put(path, (SumDelta) delta));
    }

    @Override
    public Set<String> afterUpdate(int step, Map<String, Tensor> gradients) {
        int over = (int) ((step + 1L) * rounds / steps);
        boolean ends = over > (int) ((long) step * rounds / steps) && over < rounds;
        done = Math.min(over, rounds - 1);
        var anew = new HashSet<String>();
        if (ends) {
            try (var scope = Scope.open()) {
                modules.values().forEach(delta -> restart(delta, over - 1, anew));
            }
        }
        return anew;
    }

    private static void restart(SumDelta delta, int round, Set<String> anew) {
        var finished = delta.parts().get(0);
        var trained = delta.parts().get(1);
        long rank = trained.a().shape()[0];
        var place = finished.a().value().narrow(0, round * rank, rank);
        var next = place.clone();
        place.copy_(trained.a().value());
        trained.a().value().copy_(next);
        finished.b().value().narrow(1, round * rank, rank).copy_(trained.b().value());
        trained.b().value().zero_();
        for (Parameter parameter : trained.parameters()) {
            anew.add(parameter.name());
        }
    }

    @Override
    public Map<String, Integer> ranks() {
        var ranks = new LinkedHashMap<String, Integer>();
        modules.forEach((path, delta) ->
                ranks.put(path, (done + 1) * (int) delta.parts().get(1).a().shape()[0]));
        return ranks;
    }

    @Override
    public void close() {}
}
