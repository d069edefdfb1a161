package dev.espalier.train;

import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.TargetModules;
import java.nio.file.Path;

/** Trains LoRA on every linear, or measures their sensitivities, in a process of its own and prints its peak memory. */
final class ProbeMemoryProcess {
    private ProbeMemoryProcess() {}

    /** @param args the model, a folder that does not exist yet, and {@code train}, {@code exact} or {@code blockwise} */
    public static void main(String[] args) {
        var training = Training.of(args[0])
                .task(Snips.intent())
                .adapter(LoraSpec.defaults().withTargets(TargetModules.allLinear()))
                .options(TrainingOptions.builder().dtype("fp32").maxSteps(4).build());
        System.out.println("MEASURED "
                + (args[2].equals("train")
                        ? training.run(Path.of(args[1])).peakMemoryMb()
                        : SensitivityProbe.of(training, options(args[2])).run().peakMegabytes()));
    }

    private static ProbeOptions options(String pass) {
        return ProbeOptions.DEFAULT
                .withSamples(16)
                .withPass(pass.equals("exact") ? ProbeOptions.Pass.EXACT : ProbeOptions.Pass.BLOCKWISE);
    }
}
