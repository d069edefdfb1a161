package dev.espalier.adapter;

import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.data.TaskKind;
import dev.espalier.model.Head;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** The heads in an adapter folder: PEFT's {@code modules_to_save}. */
final class SavedHeads {
    private final SavedTensors tensors;

    SavedHeads(SavedTensors tensors) {
        this.tensors = tensors;
    }

    /**
     * Adds the heads that {@code model} does not have; their weights are yet to be loaded. Those that have none, but texts,
     * are for who has the tokenizer.
     */
    void addMissing(List<SavedHead> heads, LanguageModel model) {
        for (var head : heads) {
            if (!model.heads().containsKey(head.name())
                    && head.labelEmbeddings().isEmpty()) {
                model.addHead(head.name(), head.kind(), head.outputs(), head.pooling(), RandomStream.of(0));
            }
        }
    }

    /**
     * Adds a head to {@code model} under another name than it was saved by, with the saved weights. A layer that it had of
     * the base model is a copy of that.
     *
     * @throws dev.espalier.error.InputException if a weight is missing or of another shape
     */
    void addAs(String name, SavedHead saved, LanguageModel model) {
        var head = model.addHead(name, saved.kind(), saved.outputs(), saved.pooling(), RandomStream.of(0));
        if (saved.kind() == TaskKind.CAUSAL_LM) {
            return; // The checkpoint's own head.
        }
        int before = prefix(name).length();
        var values = new LinkedHashMap<Parameter, Tensor>();
        for (var parameter : parameters(head)) {
            var ofBase = parameter.name().substring(before);
            var path = prefix(saved.name()) + ofBase;
            if (tensors.has(path)) {
                values.put(parameter, tensors.tensor(path, parameter.shape()));
            } else if (parameter.trainable()) {
                values.put(
                        parameter,
                        model.weights()
                                .copy(ofBase, parameter.shape())
                                .map(Parameter::value)
                                .orElseGet(() -> tensors.tensor(path, parameter.shape())));
            }
        }
        load(values);
    }

    private static String prefix(String head) {
        return head.isEmpty() ? "" : "heads." + head + ".";
    }

    /**
     * The saved values of the weights of {@code heads}: of those that train, and of layers that were trained where the
     * model would keep them frozen.
     *
     * @throws dev.espalier.error.InputException if one is missing or of another shape
     */
    Map<Parameter, Tensor> find(List<SavedHead> heads, LanguageModel model) {
        var found = new LinkedHashMap<Parameter, Tensor>();
        for (var saved : heads) {
            if (saved.kind() == TaskKind.CAUSAL_LM) {
                continue; // The checkpoint's own head, which is never trained itself.
            }
            for (var parameter : parameters(model.heads().get(saved.name()))) {
                if (parameter.trainable() || tensors.has(parameter.name())) {
                    found.put(parameter, tensors.tensor(parameter.name(), parameter.shape()));
                }
            }
        }
        return found;
    }

    /** Sets weights to what {@link #find} gave; they train from now on. */
    static void load(Map<Parameter, Tensor> values) {
        values.forEach((parameter, value) -> {
            var own = parameter.value();
            own.copy_(value);
            parameter.trainable(true);
        });
    }

    private static List<Parameter> parameters(@Nullable Head head) {
        return head == null
                ? List.of()
                : head.linears().stream()
                        .flatMap(linear -> linear.parameters().stream())
                        .toList();
    }

    /** What trains of {@code head}, by the module that is saved as a whole. */
    static Map<String, List<Parameter>> trained(Head head) {
        var modules = new LinkedHashMap<String, List<Parameter>>();
        for (var linear : head.linears()) {
            var trained =
                    linear.parameters().stream().filter(Parameter::trainable).toList();
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
