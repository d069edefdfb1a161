package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.adapter.LoraSpec;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.report.RunHistory;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a method makes of its gradients, in a run. */
class GradientTransformTest {
    @TempDir
    private Path folder;

    /** So large an epsilon leaves next to nothing of the adapter's gradients, and the head's as they are. */
    @ParameterizedTest
    @EnumSource(OptimizerKind.class)
    void transformedGradientsAreWhatIsLoggedAndApplied(OptimizerKind optimizer) {
        var options = TinyModel.options().optimizer(optimizer).maxSteps(1).logEvery(1);
        var training = Training.of(TinyModel.in(folder.resolve("model")))
                .task(Snips.intent())
                .options(options.build());
        var plain = folder.resolve("plain");
        var damped = folder.resolve("damped");
        training.adapter(LoraSpec.defaults()).run(plain);
        training.adapter(LoraSpec.defaults().withRiemannianEpsilon(1e30)).run(damped);

        assertThat(secondFactors(plain)).isGreaterThan(1e-2);
        assertThat(secondFactors(damped)).isLessThan(1e-5);
        double all = RunHistory.read(plain).train().get(0).gradNorm();
        assertThat(RunHistory.read(damped).train().get(0).gradNorm())
                .isPositive()
                .isLessThan(all);
    }

    private static double secondFactors(Path run) {
        try (var scope = Scope.open();
                var file = SafetensorsFile.open(run.resolve("adapter/adapter_model.safetensors"))) {
            return file.names().stream()
                    .filter(name -> name.contains("lora_B"))
                    .mapToDouble(name -> file.tensor(name).norm().item_double())
                    .max()
                    .orElseThrow();
        }
    }
}
