package dev.espalier.train;

import dev.espalier.adapter.Mixtures;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import org.bytedeco.javacpp.Pointer;

/** Trains in a process of its own and prints native objects and resident bytes after warm-up and at the end. */
final class LeakProcess {
    static final int WARM_UP = 50;
    static final int STEPS = 300;

    private LeakProcess() {}

    public static void main(String[] args) {
        var folder = Path.of(args[0]);
        var losses = new Losses(step -> {
            if (step == WARM_UP || step == WARM_UP + STEPS) {
                System.gc(); // frees what only garbage holds
                System.out.println("MEASURED " + Scope.liveObjects() + " " + Pointer.physicalBytes());
            }
        });
        Training.of(TinyModel.in(folder.resolve("model")))
                .task(Snips.intent())
                .adapter(Mixtures.sira().with(m -> m.experts(4).topK(2)))
                .options(TrainingOptions.builder()
                        .dtype("fp32")
                        .maxSteps(WARM_UP + STEPS)
                        .batchSize(16)
                        .maxTokens(24)
                        .build())
                .listener(losses)
                .run(folder.resolve("run"));
    }
}
