package dev.espalier.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import dev.espalier.model.DecoderNames;
import dev.espalier.model.gpt2.Gpt2;
import dev.espalier.model.phi.Phi3;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GroupingTest {
    static List<DecoderNames> decoders() {
        return List.of(DecoderNames.LLAMA, new Gpt2().names(), new Phi3().names());
    }

    @ParameterizedTest
    @MethodSource("decoders")
    void attentionIsWhatEachFamilyOfDecodersUsesForIt(DecoderNames names) {
        var attention = new ArrayList<String>();
        var all = new ArrayList<String>();
        for (int layer = 0; layer < 2; layer++) {
            var path = names.layers() + layer + ".";
            names.linears().projections().forEach(name -> attention.add(path + name));
            attention.add(path + names.linears().attentionOutput());
            all.addAll(attention.subList(all.isEmpty() ? 0 : attention.size() / 2, attention.size()));
            names.linears().feedForward().forEach(name -> all.add(path + name));
            all.add(path + names.linears().feedForwardOutput());
        }

        assertThat(Grouping.ATTENTION.groups(all)).isEqualTo(Map.of("attention", attention));
        assertThat(Grouping.ALL.groups(all)).isEqualTo(Map.of("all", all));
        assertThat(Grouping.TYPE.groups(all)).hasSize(all.size() / 2).allSatisfy((type, group) -> assertThat(group)
                .containsExactly(names.layers() + "0." + type, names.layers() + "1." + type));
    }

    @Test
    void attentionOfEncodersIsQueryKeyValueAndOutput() {
        var layer = "bert.encoder.layer.11.";
        var attention = List.of(
                layer + "attention.self.query",
                layer + "attention.self.key",
                layer + "attention.self.value",
                layer + "attention.output.dense");
        var all = new ArrayList<>(attention);
        all.add(layer + "intermediate.dense");
        all.add(layer + "output.dense");

        assertThat(Grouping.ATTENTION.groups(all)).isEqualTo(Map.of("attention", attention));
    }

    @Test
    void withoutAnyMatrixOfAttentionTheGroupIsRefused() {
        assertThatThrownBy(() -> Grouping.ATTENTION.groups(List.of("model.layers.0.mlp.up_proj")))
                .isInstanceOf(InputException.class)
                .hasMessage(
                        "None of the 1 matrices, 'model.layers.0.mlp.up_proj' for one, is of attention; choose the group type or all.");
    }
}
