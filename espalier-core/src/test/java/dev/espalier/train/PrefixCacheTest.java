package dev.espalier.train;

import static dev.espalier.Fixtures.assertClose;
import static dev.espalier.Fixtures.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.HeadOnlySpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.Split;
import dev.espalier.error.InputException;
import dev.espalier.model.Pooling;
import dev.espalier.report.RunHistory;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs that compute what enters the lowest adapted layer once. */
class PrefixCacheTest {
    private static final PrefixOptions CACHE = new PrefixOptions(1, false);
    private static final PrefixOptions NO_CACHE = new PrefixOptions(0, false);
    private static final int STEPS = 20;

    @TempDir
    Path folder;

    @BeforeEach
    void makeModel() {
        TinyModel.in(folder.resolve("encoder"));
    }

    private static TargetModules upper(int layer, String... modules) {
        return TargetModules.of(modules).inLayers(List.of(layer), List.of());
    }

    /** 120 sentences, all of which have room: 2.5 epochs of 8 batches. */
    private Training encoder(AdapterSpec adapter, Pooling pooling) {
        return Training.of(folder.resolve("encoder").toString())
                .task(Snips.intent())
                .adapter(adapter)
                .pooling(pooling)
                .options(options().maxTokens(16).build());
    }

    private Training encoder() {
        return encoder(LoraSpec.defaults().withTargets(upper(1, "query", "value")), Pooling.DEFAULT);
    }

    /** 120 texts, of which not all have room. */
    private static Training decoder(AdapterSpec adapter, boolean packing) {
        try {
            var model = Path.of(
                    PrefixCacheTest.class.getResource("/models/stories260K").toURI());
            return Training.of(model.toString())
                    .task(Snips.written())
                    .adapter(adapter)
                    .options(options()
                            .packing(packing)
                            .batchSize(packing ? 4 : 15)
                            .maxTokens(128)
                            .gradientCheckpointing(packing)
                            .build());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static TrainingOptions.Builder options() {
        return TrainingOptions.builder()
                .dtype("fp32")
                .batchSize(15)
                .learningRate(1e-3)
                .maxSteps(STEPS)
                .evaluateEvery(6)
                .prefix(CACHE);
    }

    private static Training with(PrefixOptions prefix, Training training) {
        return change(training, options -> options.prefix(prefix));
    }

    private static Training change(Training training, UnaryOperator<TrainingOptions.Builder> change) {
        return training.options(change.apply(training.options().toBuilder()).build());
    }

    private Path file(String run) {
        return new RunFolder(folder.resolve(run)).prefixStates();
    }

    private Training run(String kind) {
        var lora = LoraSpec.defaults().withDropout(0.1);
        return switch (kind) {
            case "encoder" -> encoder(lora.withTargets(upper(1, "query", "output.dense")), Pooling.MEAN);
            case "encoder by first tokens" -> encoder();
            case "two tasks" -> encoder().task(Snips.length());
            case "heads of an encoder" -> encoder(new HeadOnlySpec(), Pooling.DEFAULT);
            case "two passes" ->
                encoder(Mixtures.of("adamix").with(m -> m.targets(upper(1, "output.dense"))), Pooling.DEFAULT);
            case "padded decoder" ->
                change(
                        decoder(
                                Mixtures.sira().with(m -> m.targets(upper(3, "q_proj", "down_proj"))
                                        .experts(4)
                                        .topK(2)),
                                false),
                        options -> options.rows(RowOptions.DEFAULT.padded(RowOptions.Padding.LONGEST)));
            case "decoder" -> decoder(lora.withTargets(upper(3, "q_proj", "down_proj")), false);
            case "packed decoder" ->
                decoder(
                        lora.withTargets(upper(3, "q_proj", "down_proj"))
                                .withModulesToSave(List.of("layers.2.post_attention_layernorm")),
                        true);
            case "decoder in bf16" -> change(run("packed decoder"), options -> options.dtype("bf16"));
            default -> throw new IllegalArgumentException(kind);
        };
    }

    static Stream<String> kinds() {
        return Stream.of(
                "encoder",
                "encoder by first tokens",
                "two tasks",
                "heads of an encoder",
                "two passes",
                "padded decoder",
                "decoder",
                "packed decoder");
    }

    /** A run that is set up, and its cache filled. */
    private final class Opened implements AutoCloseable {
        private final NoGradGuard guard = Engine.enter(1);
        private final Scope scope = Scope.open();
        private final AdaptedModel adapted;
        private final Session session;
        private final SharedPrefixes prefixes = new SharedPrefixes();
        private final PrefixCache cache;

        Opened(Training training, String name) throws IOException {
            Files.createDirectories(folder.resolve(name));
            adapted = AdaptedModel.create(training);
            session = new Session(training, adapted);
            cache = new PrefixCache(training, session, new RunFolder(folder.resolve(name)), prefixes);
            cache.fill(() -> false);
            for (var p : session.trained) {
                p.value().copy_(Initialiser.normal(.1, RandomStream.of(11).at(p.name()), p.shape()));
            }
        }

        /** Losses of two epochs of passes and of validation, then all gradients of the last pass of each task. */
        List<Tensor> passes() {
            var results = new ArrayList<Tensor>();
            int perEpoch = session.batcher.batchesPerEpoch();
            for (int step = 0; step < 2 * perEpoch; step++) {
                var batch = session.batcher.batch(step / perEpoch, step % perEpoch);
                var result = session.step.run(List.of(batch), session.random.at(step));
                results.add(torch.tensor((float) result.loss()));
            }
            for (int place = 0; place < session.tasks.size(); place++) {
                results.add(torch.tensor(
                        (float) session.evaluate(place, Split.VALIDATION, 0).loss()));
            }
            session.trained.forEach(
                    p -> results.add(session.step.gradients().of(p).clone()));
            return results;
        }

        /** Makes the layers that are not to run unusable. */
        void spoilFrozenLayers() {
            int frozen = adapted.model().frozenLayers();
            var layer = Pattern.compile("\\.(?:layer|layers)\\.(\\d+)\\.");
            int spoilt = 0;
            for (var p : adapted.model().parameters().values()) {
                var match = layer.matcher(p.name());
                if (match.find() && Integer.parseInt(match.group(1)) < frozen) {
                    p.value().fill_(new Scalar(Double.NaN));
                    spoilt++;
                }
            }
            assertThat(spoilt).isGreaterThan(8 * frozen);
        }

        @Override
        public void close() {
            cache.close();
            prefixes.close();
            session.close();
            adapted.close();
            scope.close();
            guard.close();
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void lossesAndGradientsAreThoseWithoutTheCache(String kind) throws IOException {
        try (var with = new Opened(run(kind), "with");
                var without = new Opened(with(NO_CACHE, run(kind)), "without")) {
            var expected = without.passes();
            var actual = with.passes();
            assertThat(actual).hasSameSizeAs(expected);
            for (int i = 0; i < actual.size(); i++) {
                assertClose(kind + ", " + i, actual.get(i), expected.get(i), 1e-3, 1e-5);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    @ValueSource(strings = "decoder in bf16")
    void layersBelowAreNotRunAgain(String kind) throws IOException {
        try (var opened = new Opened(with(new PrefixOptions(100, false), run(kind)), "run")) {
            var before = opened.passes();
            opened.spoilFrozenLayers();
            var after = opened.passes();
            for (int i = 0; i < before.size(); i++) {
                assertThat(doubles(after.get(i))).as(kind + ", " + i).isEqualTo(doubles(before.get(i)));
            }
            assertThat(doubles(before.get(0))[0]).isFinite();
        }
    }

    private List<Double> losses(Training training, String name) {
        var losses = new Losses();
        training.listener(losses).run(folder.resolve(name));
        return losses.all();
    }

    @Test
    void aRunLearnsTheSame() {
        var with = losses(encoder(), "with");
        var without = losses(with(NO_CACHE, encoder()), "without");
        assertThat(with).hasSize(STEPS);
        for (int i = 0; i < STEPS; i++) {
            assertThat(with.get(i)).as("step " + i).isCloseTo(without.get(i), within(1e-3));
        }
    }

    @Test
    void theModelsDropoutActsBelowTheAdapterUnlessItIsTurnedOff() {
        assertThat(losses(with(PrefixOptions.DEFAULT, encoder()), "dropout"))
                .doesNotContainAnyElementsOf(losses(with(NO_CACHE, encoder()), "none"));
        var decoder = run("padded decoder"); // without dropout of its own
        assertThat(losses(with(PrefixOptions.DEFAULT, decoder), "a")).isEqualTo(losses(with(NO_CACHE, decoder), "b"));
    }

    @ParameterizedTest
    @CsvSource({"encoder, 3", "encoder, 17", "packed decoder, 10", "padded decoder, 13"})
    void aStoppedAndResumedRunEqualsAnUninterruptedOne(String kind, int stopAt) throws IOException {
        var training = run(kind);
        training.run(folder.resolve("whole"));
        var trainers = new ArrayList<Trainer>(); // the listener is there before its trainer
        var losses = new Losses(step -> {
            if (step == stopAt) {
                trainers.get(0).stop();
            }
        });
        trainers.add(training.listener(losses).trainer(folder.resolve("parts")));
        assertThat(trainers.get(0).run().stopped()).isTrue();
        training.resume(folder.resolve("parts"));
        assertThat(Files.readAllBytes(folder.resolve("parts/adapter/adapter_model.safetensors")))
                .isEqualTo(Files.readAllBytes(folder.resolve("whole/adapter/adapter_model.safetensors")));
        assertThat(RunHistory.read(folder.resolve("parts")).validations())
                .isEqualTo(RunHistory.read(folder.resolve("whole")).validations());
    }

    @Test
    void rowsAreKeptWholeAsLongAsThereIsRoom() throws IOException {
        try (var opened = new Opened(run("packed decoder"), "run")) {
            var kept = new ArrayList<Boolean>();
            long bytes = 0;
            for (var row : opened.session.rows.get(0)) {
                var known = row.stream()
                        .map(e -> opened.cache.training.holds(0, e.id()))
                        .distinct()
                        .toList();
                assertThat(known).as("all of a row or none").hasSize(1);
                kept.add(known.get(0));
                bytes += known.get(0)
                        ? 64
                                * 4
                                * row.stream().mapToLong(EncodedExample::length).sum()
                        : 0;
            }
            assertThat(kept).contains(true, false).isSortedAccordingTo(Comparator.reverseOrder());
            assertThat(bytes).isBetween(900_000L, 1_000_000L);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-3, 1e38})
    void theFileIsSmallAndGoneAfterTheRunEvenIfItFailed(double rate) throws IOException {
        var sizes = new ArrayList<Long>();
        var losses = new Losses(step -> sizes.addAll(open(file("run"))));
        var training = run("padded decoder");
        var given = change(training, options -> options.learningRate(rate)).listener(losses);
        if (rate < 1) {
            given.run(folder.resolve("run"));
        } else {
            assertThatThrownBy(() -> given.run(folder.resolve("run"))).hasMessageStartingWith("Training diverged");
        }
        assertThat(sizes).hasSameSizeAs(losses.all()).isNotEmpty();
        assertThat(sizes).allSatisfy(size -> assertThat(size).isBetween(900_000L, 1_000_000L));
        assertThat(open(file("run"))).isEmpty();
        assertThat(file("run")).doesNotExist();
    }

    /** The sizes of the files at {@code path} that this process has open; they may have no name any more. */
    private static List<Long> open(Path path) {
        var handles = Path.of("/proc/self/fd");
        try {
            if (!Files.isDirectory(handles)) {
                return Files.exists(path) ? List.of(Files.size(path)) : List.of();
            }
            var sizes = new ArrayList<Long>();
            try (var all = Files.newDirectoryStream(handles)) {
                for (var handle : all) {
                    if (Files.isSymbolicLink(handle)
                            && Files.readSymbolicLink(handle).toString().startsWith(path.toString())) {
                        sizes.add(Files.size(handle));
                    }
                }
            }
            return sizes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aFileThatCannotBeWrittenIsNamedAndTheRunCanGoOn() throws IOException {
        var training = encoder();
        var trainer = training.trainer(folder.resolve("run"));
        trainer.stop();
        assertThat(trainer.run().step()).isZero();
        Files.createDirectory(file("run"));
        assertThatThrownBy(() -> training.resume(folder.resolve("run")))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("Cannot write " + file("run") + ": ");
        Files.delete(file("run"));
        assertThat(training.resume(folder.resolve("run")).step()).isEqualTo(STEPS);
    }

    private void assertRefused(Training training, String message) {
        assertThatThrownBy(() -> training.run(folder.resolve("refused")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(message);
        assertThat(folder.resolve("refused")).doesNotExist();
    }

    @Test
    void aCacheThatIsOfNoUseOrCannotBeRightIsRefused() {
        assertRefused(encoder(LoraSpec.defaults(), Pooling.DEFAULT), "nothing lies below");
        var embeddings = LoraSpec.defaults().withTargets(TargetModules.of("embed_tokens"));
        assertRefused(decoder(embeddings, false), "nothing lies below");
        assertRefused(with(new PrefixOptions(1, true), encoder()), "set prefix-dropout: false");
        assertRefused(change(encoder(), options -> options.maxSteps(8)), "sees no example twice");
        // Without dropout of the model's own there is none to be turned off.
        var result = with(new PrefixOptions(1, true), run("padded decoder")).run(folder.resolve("run"));
        assertThat(result.step()).isEqualTo(STEPS);
    }

    @Test
    void aRunIsResumedWithTheSameTreatmentOfFrozenLayersOnly() {
        var trainer = encoder().trainer(folder.resolve("run"));
        trainer.stop();
        trainer.run();
        assertThatThrownBy(() -> with(NO_CACHE, encoder()).resume(folder.resolve("run")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("The run was started with prefix-cache-mb 1, but now it is 0");
    }
}
