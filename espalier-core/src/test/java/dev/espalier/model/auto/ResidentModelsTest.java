package dev.espalier.model.auto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.OnEngine;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Pooling;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Models whose frozen weights are in memory once. */
@ExtendWith(OnEngine.class)
class ResidentModelsTest {
    private static final Path MODEL = Fixtures.path("models/bert_cls");

    private static Map<String, Long> places(LanguageModel model) {
        var places = new HashMap<String, Long>();
        model.parameters()
                .forEach((name, p) -> places.put(name, p.value().data_ptr().address()));
        return places;
    }

    private static Parameter weight(LanguageModel model, String name) {
        return Objects.requireNonNull(model.parameters().get(name), name);
    }

    private static Parameter classifier(LanguageModel model, int labels) {
        return model.addHead("", TaskKind.SINGLE_LABEL, labels, Pooling.DEFAULT, RandomStream.of(0)).trained().stream()
                .flatMap(module -> module.parameters().stream())
                .filter(p -> p.name().equals("classifier.weight"))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @EnumSource(names = {"Float", "BFloat16"})
    void allModelsOfAFolderReadTheSameMemory(ScalarType dtype) {
        try (var models = new ResidentModels();
                var first = models.open(MODEL, dtype);
                var second = models.open(MODEL, dtype);
                var plain = AutoModel.open(MODEL, dtype)) {
            assertThat(places(second)).isEqualTo(places(first)).isNotEmpty();
            plain.parameters().forEach((name, p) -> assertThat(
                            torch.equal(p.value(), weight(first, name).value()))
                    .as(name)
                    .isTrue());
            var query = "bert.encoder.layer.0.attention.self.query.weight";
            weight(first, query).trainable(true);
            assertThat(weight(second, query).trainable()).isFalse();
        }
    }

    @Test
    void aHeadThatTrainsIsACopyOfItsOwnAsExactAsTheFile() {
        try (var models = new ResidentModels();
                var first = models.open(MODEL, ScalarType.BFloat16);
                var second = models.open(MODEL, ScalarType.BFloat16);
                var plain = AutoModel.open(MODEL, ScalarType.Float)) {
            int labels = 3;
            var exact = classifier(plain, labels);
            var mine = classifier(first, labels);
            var other = classifier(second, labels);
            assertThat(first.weights().initialised()).doesNotContain("classifier.weight");
            assertThat(torch.equal(mine.value(), exact.value())).isTrue();
            mine.value().zero_();
            assertThat(torch.equal(other.value(), exact.value())).isTrue();
        }
    }

    @Test
    void weightsStayForTheNextModelAndOutliveTheFirst() {
        try (var models = new ResidentModels()) {
            var first = models.open(MODEL, ScalarType.BFloat16);
            var second = models.open(MODEL, ScalarType.BFloat16);
            var places = places(first);
            first.close();
            assertThat(places(second)).isEqualTo(places);
            second.close();
            try (var third = models.open(MODEL, ScalarType.BFloat16)) {
                assertThat(places(third)).isEqualTo(places);
            }
        }
    }

    @Test
    void anotherFolderIsOpenedBesideOneThatIsRead() {
        try (var models = new ResidentModels();
                var encoder = models.open(MODEL, ScalarType.BFloat16);
                var decoder = models.open(Fixtures.path("models/llama"), ScalarType.BFloat16)) {
            assertThat(encoder.parameters()).isNotEmpty();
            assertThat(decoder.parameters()).isNotEmpty();
        }
    }

    @Test
    void aFolderThatIsNoModelIsRefusedAndLeavesTheOthersAsTheyAre() {
        try (var models = new ResidentModels();
                var model = models.open(MODEL, ScalarType.Float)) {
            var places = places(model);
            var missing = MODEL.resolve("missing");
            assertThatThrownBy(() -> models.open(missing, ScalarType.Float))
                    .isInstanceOf(InputException.class)
                    .hasMessage("No model folder at " + missing + ".");
            try (var again = models.open(MODEL, ScalarType.Float)) {
                assertThat(places(again)).isEqualTo(places);
            }
        }
    }
}
