package dev.espalier.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.data.Batch;
import dev.espalier.error.InputException;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ResidentAdaptersTest {
    private static final Path LORA = Fixtures.path("adapters/lora_qv");
    private static final Path DORA = Fixtures.path("adapters/dora");

    private final NoGradGuard guard = Engine.enter(1);
    private final DecoderModel model = AutoModel.decoder(Fixtures.path("models/llama"), ScalarType.Float);
    private final ResidentAdapters adapters = new ResidentAdapters(model);
    private final Batch batch = batch();

    private static Batch batch() {
        try (var scope = Scope.open();
                var expected = Fixtures.tensors("models/llama/expected.safetensors")) {
            return Batches.of(expected);
        }
    }

    @AfterEach
    void free() {
        adapters.close();
        model.close();
        guard.close();
    }

    private double[] logits(List<Optional<String>> rows) {
        return adapters.run(() -> {
            try (var scope = Scope.open();
                    var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
                if (!rows.isEmpty()) {
                    adapters.choose(context, rows);
                }
                return Fixtures.doubles(
                        model.logits(model.lmHead(), batch, context).value());
            }
        });
    }

    private double[] logits() {
        return logits(List.of());
    }

    @Test
    void adaptersComeAndGoAndLeaveTheModelAsItWas() {
        var bare = logits();
        adapters.load("lora", LORA);
        var lora = logits();
        adapters.load("dora", DORA);
        assertThat(adapters.names()).containsExactlyInAnyOrder("lora", "dora");
        assertThat(logits()).isNotEqualTo(lora);
        adapters.deactivate("dora");
        assertThat(logits()).isEqualTo(lora);
        adapters.activate("dora");
        adapters.drop("lora");
        var dora = logits();
        adapters.load("lora", LORA);
        adapters.deactivate("dora");
        assertThat(logits()).isEqualTo(lora);
        adapters.drop("lora");
        adapters.activate("dora");
        assertThat(logits()).isEqualTo(dora);
        adapters.close();
        assertThat(logits()).isEqualTo(bare);
    }

    @Test
    void wrongNamesFoldersAndChoicesChangeNothing() {
        adapters.load("lora", LORA);
        var before = logits();
        assertFails(() -> adapters.activate("lroa"), "'lroa'", "lora");
        assertFails(() -> adapters.drop("x"), "'x'");
        assertFails(() -> adapters.load("lora", DORA), "already");
        assertFails(() -> adapters.load("other", Fixtures.path("adapters/lora_fanin")), "c_attn");
        assertFails(() -> logits(rows("lora", "none", "lora")), "'none'");
        adapters.load("dora", DORA);
        adapters.deactivate("dora");
        assertFails(() -> logits(rows("lora", "dora", "lora")), "'dora' is not active");
        assertThat(logits()).isEqualTo(before);
        assertThatThrownBy(() -> adapters.run(() -> {
                    adapters.drop("lora");
                    return 0;
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("inside a pass");
    }

    @Test
    void aTrainedHeadIsNeverOverwritten() {
        try (var base = new TinyModel();
                var resident = new ResidentAdapters(base.model())) {
            resident.load("first", Fixtures.path("adapters/lora_cls"));
            var before = base.logits();
            assertFails(() -> resident.load("second", Fixtures.path("adapters/lora_cls")), "trained head");
            assertThat(base.logits()).isEqualTo(before);
        }
    }

    @Test
    void passesOnOtherThreadsSeeAllOfAnAdapterOrNothing() throws Exception {
        var bare = logits();
        adapters.load("lora", LORA);
        var adapted = logits();
        adapters.deactivate("lora");
        var workers = Executors.newFixedThreadPool(2);
        try {
            var results = new ArrayList<Future<double[]>>();
            for (int i = 0; i < 60; i++) {
                results.add(workers.submit(() -> {
                    try (var own = Engine.enter(1)) {
                        return logits();
                    }
                }));
            }
            for (int i = 0; i < 20; i++) {
                adapters.activate("lora");
                adapters.deactivate("lora");
                adapters.drop("lora");
                adapters.load("lora", LORA);
            }
            for (var result : results) {
                var logits = result.get();
                assertThat(Arrays.equals(logits, bare) || Arrays.equals(logits, adapted))
                        .isTrue();
            }
        } finally {
            workers.shutdownNow();
        }
    }

    private static List<Optional<String>> rows(String... names) {
        return Arrays.stream(names).map(Optional::of).toList();
    }

    private static void assertFails(Runnable action, String... parts) {
        assertThatThrownBy(action::run).isInstanceOf(InputException.class).hasMessageContainingAll(parts);
    }
}
