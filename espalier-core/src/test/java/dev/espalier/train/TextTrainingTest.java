package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.CausalOptions;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.Metric;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Causal language models in the training loop: a real one of 260,000 weights. */
class TextTrainingTest {
    private static final int STEPS = 12;

    @TempDir
    Path folder;

    private static Training training(TaskData task) {
        try {
            var model = Path.of(
                    TextTrainingTest.class.getResource("/models/stories260K").toURI());
            return Training.of(model.toString())
                    .task(task)
                    .adapter(LoraSpec.defaults().withTargets(TargetModules.allLinear()))
                    .options(options().build());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static TrainingOptions.Builder options() {
        return TrainingOptions.builder()
                .dtype("fp32")
                .batchSize(16)
                .learningRate(5e-3)
                .maxSteps(STEPS)
                .evaluateEvery(STEPS);
    }

    @Test
    void perplexityFallsAndTheSavedAdapterJudgesAsTheRunDid() {
        var before = training(Snips.written())
                .options(options().learningRate(1e-12).maxSteps(1).build())
                .run(folder.resolve("before"));
        var after = training(Snips.written()).run(folder.resolve("after"));
        double untrained = before.tests().get(0).value(Metric.PERPLEXITY);
        double trained = after.tests().get(0).value(Metric.PERPLEXITY);
        assertThat(trained).isLessThan(untrained / 20);
        try (var adapted = AdaptedModel.open(folder.resolve("after"))) {
            var again = adapted.evaluate("written", Snips.written().test());
            assertThat(again.value(Metric.PERPLEXITY)).isEqualTo(trained);
            assertThat(again.value(Metric.TOKEN_ACCURACY)).isBetween(0.4, 1.0);
        }
    }

    @ParameterizedTest
    @CsvSource({"lora, false, false", "lora, true, true", "sira, true, false"})
    void aStoppedAndResumedRunEqualsAnUninterruptedOne(String method, boolean packing, boolean checkpointing) {
        var targets = TargetModules.of("q_proj", "down_proj");
        var given = training(Snips.written())
                .adapter(
                        method.equals("lora")
                                ? LoraSpec.defaults().withTargets(targets).withDropout(0.1)
                                : Mixtures.sira().with(m -> m.targets(targets)))
                .options(options()
                        .packing(packing)
                        .maxTokens(128)
                        .gradientCheckpointing(checkpointing)
                        .maxSteps(6)
                        .build());
        given.run(folder.resolve("whole"));
        StoppedRuns.begin(given, folder.resolve("parts"), 3);
        given.resume(folder.resolve("parts"));
        StoppedRuns.assertSameAdapters(folder.resolve("whole"), folder.resolve("parts"));
    }

    @Test
    void answersAreWrittenAndComparedWhereTheMetricAsksForIt() {
        var result = training(Snips.written())
                .options(options()
                        .generateTokens(8)
                        .metric("rouge-l")
                        .maxSteps(24)
                        .evaluateEvery(24)
                        .build())
                .run(folder.resolve("run"));
        var test = result.tests().get(0);
        assertThat(test.value(Metric.ROUGE_L)).isBetween(0.05, 1.0);
        assertThat(test.value(Metric.EXACT_MATCH)).isBetween(0.0, test.value(Metric.ROUGE_L));
        assertThatThrownBy(() -> training(Snips.written())
                        .options(options().metric("rouge-l").build())
                        .run(folder.resolve("wrong")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("generate-tokens");
    }

    @Test
    void choicesAreJudgedByTheLikelihoodOfTheCandidates() {
        var result = training(Snips.chosen())
                .options(options().maxSteps(30).evaluateEvery(30).build())
                .run(folder.resolve("run"));
        // Of two candidates one is right: half is what guessing gives.
        assertThat(result.tests().get(0).value(Metric.ACCURACY)).isBetween(0.7, 1.0);
    }

    @Test
    void theChatTemplateOfARecipeGoesAlongWithTheAdapter() throws IOException {
        var template = folder.resolve("turns.jinja");
        Files.writeString(template, "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
        var task = Snips.written();
        var templated = new TaskData(
                task.name(),
                task.kind(),
                task.train(),
                task.validation(),
                task.test(),
                task.labels(),
                task.labelDescriptions(),
                CausalOptions.DEFAULT.withTemplate(template.toString()));
        var result = training(templated).options(options().maxSteps(2).build()).run(folder.resolve("run"));
        Files.delete(template);
        try (var adapted = AdaptedModel.open(folder.resolve("run"))) {
            adapted.save(folder.resolve("copy"));
        }
        try (var adapted = AdaptedModel.open(folder.resolve("copy"))) {
            assertThat(adapted.evaluate("written", task.test()).value(Metric.PERPLEXITY))
                    .isEqualTo(result.tests().get(0).value(Metric.PERPLEXITY));
        }
        assertThat(folder.resolve("copy/chat_template.jinja"))
                .hasContent("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
    }

    @Test
    void packingIsForTexts() {
        assertThatThrownBy(() -> Training.of(TinyModel.in(folder.resolve("model")))
                        .task(Snips.intent())
                        .options(options().packing(true).build())
                        .run(folder.resolve("run")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("packing");
    }
}
