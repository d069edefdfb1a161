package dev.espalier.train;

import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.TargetModules;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/** As {@link LeakProcess}, with a cache of what enters the adapted layer, from which some examples are missing. */
final class PrefixLeakProcess {
    private PrefixLeakProcess() {}

    public static void main(String[] args) {
        var folder = Path.of(args[0]);
        var losses = new Losses(step -> {
            if (step == LeakProcess.WARM_UP || step == LeakProcess.WARM_UP + LeakProcess.STEPS) {
                System.gc(); // frees what only garbage holds
                System.out.println("MEASURED " + Scope.liveObjects() + " " + Pointer.physicalBytes());
            }
        });
        Training.of(TinyModel.in(folder.resolve("model")))
                .task(Snips.intent())
                .adapter(LoraSpec.defaults()
                        .withTargets(TargetModules.of("query", "value").inLayers(List.of(1), List.of())))
                .options(TrainingOptions.builder()
                        .dtype("fp32")
                        .maxSteps(LeakProcess.WARM_UP + LeakProcess.STEPS)
                        .batchSize(16)
                        .maxTokens(64)
                        .prefix(new PrefixOptions(1, false))
                        .build())
                .listener(losses)
                .run(folder.resolve("run"));
    }
}
