package dev.espalier.adapter;

import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.Head;
import dev.espalier.model.Linear;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The heads in an adapter folder: PEFT's {@code modules_to_save}. */
final class SavedHeads {
    private final SavedTensors tensors;

    SavedHeads(SavedTensors tensors) {
        this.tensors = tensors;
    }

    /** Adds the heads that {@code model} does not have; their weights are yet to be loaded. */
    void addMissing(List<SavedHead> heads, EncoderModel model) {
        for (var head : heads) {
            if (!model.heads().containsKey(head.name())) {
                model.addHead(head.name(), head.kind(), head.outputs(), head.pooling(), RandomStream.of(0));
            }
        }
    }

    /** Sets the weights of {@code heads} to the saved ones. A layer is trained on if, and only if, it was saved. */
    void load(List<SavedHead> heads, EncoderModel model) {
        for (var saved : heads) {
            var head = model.heads().get(saved.name());
            if (head != null) {
                parameters(head).forEach(this::load);
            }
        }
    }

    private void load(Parameter parameter) {
        if (parameter.trainable() || tensors.has(parameter.name())) {
            var value = parameter.value();
            value.copy_(tensors.tensor(parameter.name(), parameter.shape()));
            parameter.trainable(true);
        }
    }

    private static List<Parameter> parameters(Head head) {
        return head.linears().stream()
                .flatMap(linear -> linear.parameters().stream())
                .toList();
    }

    /** What trains of {@code head}, by the module that is saved as a whole. */
    static Map<String, List<Parameter>> trained(Head head) {
        var modules = new LinkedHashMap<String, List<Parameter>>();
        for (var linear : head.linears()) {
            var trained = linear.parameters().stream().filter(Parameter::trainable).toList();
            if (!trained.isEmpty()) {
                modules.computeIfAbsent(module(head, linear), path -> new ArrayList<>())
                        .addAll(trained);
            }
        }
        return modules;
    }

    private static String module(Head head, Linear linear) {
        return head.trained().stream()
                .map(Head.TrainedModule::path)
                .filter(path -> linear.name().equals(path) || linear.name().startsWith(path + "."))
                .findFirst()
                .orElse(linear.name());
    }
}
