package dev.espalier.train;

import dev.espalier.adapter.SelectionPlan;
import dev.espalier.adapter.SparseSpec;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import org.bytedeco.javacpp.Pointer;

/** As {@link LeakProcess} for a sparse adapter whose entries are dropped and grown all along. */
final class SparseLeakProcess {
    private SparseLeakProcess() {}

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
                .adapter(SparseSpec.spiel().withKeepRatio(.1).withPlan(new SelectionPlan.DropAndGrow(3, .5)))
                .options(TrainingOptions.builder()
                        .dtype("fp32")
                        .maxSteps(LeakProcess.WARM_UP + LeakProcess.STEPS)
                        .batchSize(16)
                        .maxTokens(24)
                        .build())
                .listener(losses)
                .run(folder.resolve("run"));
    }
}
