package dev.espalier.merge;

import dev.espalier.adapter.AdapterCard;
import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.adapter.AdapterDeltas;
import dev.espalier.data.TaskKind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import org.bytedeco.pytorch.Tensor;

/**
 * The heads of merged adapters: each stays as it is, under its task's name. Of adapters of one task the first one's head
 * stays, for heads that started from other random weights can't be averaged.
 */
public final class MergedHeads {
    private static final String FOLDED = "heads.";

    private final AdapterCard card;
    private final Map<String, Tensor> weights = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();

    /**
     * @param adapters in their order; they stay open, for the heads are views of their files
     * @param base name or path of the model that the merged adapter is for
     */
    public MergedHeads(List<AdapterDeltas> adapters, String base) {
        var owners = new LinkedHashMap<String, AdapterDeltas>();
        var heads = new LinkedHashMap<String, SavedHead>();
        for (var adapter : adapters) {
            for (var head : adapter.card().heads()) {
                var task = head.task().isEmpty() ? adapter.name() : head.task();
                var former = owners.putIfAbsent(task, adapter);
                if (former == null) {
                    heads.put(task, head);
                } else if (head.kind() != TaskKind.CAUSAL_LM) {
                    notes.add(
                            "Adapters '" + former.name() + "' and '" + adapter.name() + "' both have a head for task '"
                                    + task + "'; the one of '" + former.name() + "' is kept.");
                }
            }
        }
        var named = new ArrayList<SavedHead>();
        heads.forEach((task, head) -> {
            // A model's only head has no name, as Hugging Face's models have it.
            var name = heads.size() == 1 ? "" : task;
            named.add(new SavedHead(
                    name, task, head.kind(), head.labels(), head.pooling(), head.causalLm(), head.labelEmbeddings()));
            var prefix = name.isEmpty() ? "" : FOLDED + name + ".";
            Optional.ofNullable(owners.get(task))
                    .map(owner -> prefix.isEmpty() ? owner.head(head) : owner.wholeHead(head))
                    .ifPresent(found -> found.forEach((path, value) -> weights.put(prefix + path, value)));
        });
        card = new AdapterCard(base, maxTokens(adapters), named);
    }

    private static Optional<Integer> maxTokens(List<AdapterDeltas> adapters) {
        OptionalInt most = adapters.stream()
                .flatMap(adapter -> adapter.card().maxTokens().stream())
                .mapToInt(Integer::intValue)
                .max();
        return most.isPresent() ? Optional.of(most.getAsInt()) : Optional.empty();
    }

    /** Base model and heads. */
    public AdapterCard card() {
        return card;
    }

    /** The heads' weights by the paths that the model has them under, views of the adapters' files. */
    public Map<String, Tensor> weights() {
        return Collections.unmodifiableMap(weights);
    }

    /** Sentences on heads that were left out. */
    public List<String> notes() {
        return Collections.unmodifiableList(notes);
    }

    /** The modules that the weights are of. */
    Set<String> modules() {
        var modules = new TreeSet<String>();
        weights.keySet().forEach(path -> modules.add(path.substring(0, path.lastIndexOf('.'))));
        return modules;
    }
}
