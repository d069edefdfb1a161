package dev.espalier.route;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterCard;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.data.TaskKind;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Adapters with drawn weights, each with a head for one task. */
final class Loras {
    private Loras() {}

    /**
     * Saves one in a new folder.
     *
     * @param base of an encoder
     * @param seed of the weights
     */
    @SuppressWarnings("try") // guard and scope work by being open
    static Path save(Path folder, Path base, AdapterSpec spec, String task, List<String> labels, long seed) {
        var random = RandomStream.of(seed);
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var model = AutoModel.open(base, ScalarType.Float)) {
            var head = model.addHead("", TaskKind.SINGLE_LABEL, labels.size(), Pooling.DEFAULT, random);
            try (var adapter = Adapter.create("default", spec, model, random)) {
                for (var p : adapter.parameters()) {
                    p.value().copy_(Initialiser.normal(.3, random.at(p.name()), p.shape()));
                }
                for (var module : head.trained()) {
                    for (var p : module.parameters()) {
                        p.value().copy_(Initialiser.normal(.5, random.at(p.name()), p.shape()));
                    }
                }
                var saved = new AdapterCard.SavedHead("", task, TaskKind.SINGLE_LABEL, labels, Pooling.DEFAULT);
                var card = new AdapterCard(Objects.toString(base), Optional.of(40), List.of(saved));
                AdapterFolder.save(folder, adapter, model, card);
            }
        }
        return folder;
    }
}
