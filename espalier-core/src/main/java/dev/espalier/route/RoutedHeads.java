package dev.espalier.route;

import dev.espalier.adapter.AdapterCard;
import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.LoraExperts;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The heads of several adapters on one model. A task that one adapter alone has a head for keeps its name; where several do,
 * each is called {@code ADAPTER/TASK}.
 */
final class RoutedHeads {
    private final List<Placed> heads = new ArrayList<>();
    private final Optional<Integer> maxTokens;

    /** A head as its adapter has it, and as the model gets it. */
    private record Placed(String adapter, SavedHead saved, SavedHead as) {}

    /** @param folders of the adapters, by name */
    RoutedHeads(Map<String, AdapterFolder> folders) {
        Map<String, Integer> times = new LinkedHashMap<>();
        folders.forEach((name, folder) ->
                folder.card().heads().forEach(head -> times.merge(task(name, head), 1, Integer::sum)));
        int count = times.values().stream().mapToInt(i -> i).sum();
        folders.forEach((name, folder) -> folder.card().heads().forEach(head -> {
            var task = task(name, head);
            var unique = times.getOrDefault(task, 0) == 1 ? task : name + "/" + task;
            heads.add(new Placed(name, head, named(head, count == 1 ? "" : unique, unique)));
        }));
        var cut = folders.values().stream()
                .map(folder -> folder.card().maxTokens())
                .toList();
        maxTokens = cut.stream().anyMatch(Optional::isEmpty)
                ? Optional.empty()
                : cut.stream().flatMap(Optional::stream).max(Integer::compare);
    }

    private static String task(String adapter, SavedHead head) {
        return head.task().isEmpty() ? adapter : head.task();
    }

    private static SavedHead named(SavedHead head, String name, String task) {
        return new SavedHead(name, task, head.kind(), head.labels(), head.pooling(), head.causalLm());
    }

    /** What an adapter's folder with all of them would say; texts are cut where the longest of the adapters' are. */
    AdapterCard card(String baseModel) {
        return new AdapterCard(
                baseModel, maxTokens, heads.stream().map(Placed::as).toList());
    }

    void addTo(LoraExperts experts) {
        heads.forEach(head -> experts.addHead(head.adapter, head.saved, head.as.name()));
    }

    /** The tasks of every adapter that has any, as the model calls them. */
    Map<String, List<String>> tasks() {
        Map<String, List<String>> tasks = new LinkedHashMap<>();
        heads.forEach(head ->
                tasks.computeIfAbsent(head.adapter, name -> new ArrayList<>()).add(head.as.task()));
        return tasks;
    }
}
