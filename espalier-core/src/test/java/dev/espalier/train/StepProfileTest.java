package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.report.StepProfile;
import dev.espalier.tensor.Profile;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.RandomStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StepProfileTest {
    private static final RandomStream UNUSED = RandomStream.of(0);

    @Test
    void measuringChangesNothingThatIsComputed() {
        try (var llama = new LlamaLora();
                var workers = new Workers(2);
                var plain = llama.step(workers);
                var profiled = llama.step(workers)) {
            profiled.profile();
            var a = plain.run(llama.batches(8), UNUSED);
            var b = profiled.run(llama.batches(8), UNUSED);
            assertThat(b.loss()).isEqualTo(a.loss());
            llama.parameters().forEach(p -> assertThat(
                            Fixtures.doubles(profiled.gradients().of(p)))
                    .isEqualTo(Fixtures.doubles(plain.gradients().of(p))));
            assertThat(plain.profiled().usages()).isEmpty();
        }
    }

    @Test
    void whatPartsTakeIsTheStepAndNothingIsKeptFromStepToStep() {
        try (var llama = new LlamaLora();
                var workers = new Workers(1);
                var step = llama.step(workers)) {
            step.profile();
            var kept = new ArrayList<Map<Part, Long>>();
            long start = System.nanoTime();
            for (int i = 0; i < 3; i++) {
                step.run(llama.batches(8), UNUSED);
                kept.add(kept(step.profiled()));
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            var profile = StepProfile.of(step.profiled(), new Profile(), 3, 1, seconds);
            double sum = profile.parts().stream()
                    .mapToDouble(StepProfile.PartOfStep::seconds)
                    .sum();
            assertThat(sum + profile.waitingSeconds()).isCloseTo(profile.stepSeconds(), within(1e-9));
            assertThat(sum).isPositive().isLessThanOrEqualTo(profile.stepSeconds());
            assertThat(profile.parts().stream().map(StepProfile.PartOfStep::part))
                    .containsExactly(
                            Part.EMBEDDING,
                            Part.LINEAR,
                            Part.ATTENTION,
                            Part.NORM_AND_ACTIVATION,
                            Part.ADAPTER,
                            Part.HEAD_AND_LOSS,
                            Part.OTHER);
            assertThat(kept.get(2)).isEqualTo(kept.get(0));
            assertThat(kept.get(0).get(Part.ATTENTION)).isPositive();
            assertThat(profile.table().rows()).hasSize(profile.parts().size() + 1);
        }
    }

    @Test
    void aRunSaysWhatItsStepsSpentTheirTimeOnAndTrainsAsWithout(@TempDir Path folder) {
        var training = Training.of(TinyModel.in(folder.resolve("model")))
                .task(Snips.intent())
                .adapter(LoraSpec.defaults());
        var options = TrainingOptions.builder()
                .dtype("fp32")
                .batchSize(15)
                .maxTokens(16)
                .maxSteps(3);
        var plain = training.options(options.build()).run(folder.resolve("plain"));
        var profiled = training.options(
                        options.log(LogOptions.DEFAULT.withProfile(true)).build())
                .run(folder.resolve("profiled"));

        assertThat(plain.profile()).isEmpty();
        assertThat(profiled.profile()).hasValueSatisfying(profile -> {
            assertThat(profile.steps()).isEqualTo(3);
            assertThat(profile.parts().stream().map(StepProfile.PartOfStep::part))
                    .contains(Part.DATA, Part.OPTIMIZER, Part.ADAPTER);
        });
        assertThat(profiled.tests().get(0).metrics())
                .isEqualTo(plain.tests().get(0).metrics());
        assertThat(folder.resolve("profiled/metrics.jsonl")).content().contains("\"part\":\"frozen linears\"");
        assertThat(folder.resolve("plain/metrics.jsonl")).content().doesNotContain("profile");
    }

    /** Frozen linears keep nothing, and a block that is computed again keeps no more than its input. */
    @Test
    void checkpointingKeepsLess() {
        try (var llama = new LlamaLora();
                var workers = new Workers(1);
                var plain = llama.step(workers);
                var again = llama.step(workers, true)) {
            for (var step : List.of(plain, again)) {
                step.profile();
                step.run(llama.batches(8), UNUSED);
            }
            assertThat(again.profiled().usages().values().stream()
                            .mapToLong(Profile.Usage::keptBytes)
                            .sum())
                    .isLessThan(plain.profiled().usages().values().stream()
                            .mapToLong(Profile.Usage::keptBytes)
                            .sum());
            assertThat(Optional.ofNullable(plain.profiled().usages().get(Part.LINEAR)))
                    .hasValueSatisfying(usage -> assertThat(usage.keptBytes()).isZero());
        }
    }

    private static Map<Part, Long> kept(Profile profile) {
        var kept = new EnumMap<Part, Long>(Part.class);
        profile.usages().forEach((part, usage) -> kept.put(part, usage.keptBytes()));
        return kept;
    }
}
