package dev.espalier.study;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Trained adapters of one kind.
 *
 * @param kind in tables, such as {@code lora}
 * @param folders of the adapters, by their tasks
 * @param multitask of one adapter that was trained on all held-in tasks, if there is one
 * @param merges how they are merged
 */
public record StudyExperts(String kind, Map<String, Path> folders, Optional<Path> multitask, List<StudyMerge> merges) {
    public StudyExperts {
        folders = Map.copyOf(folders);
        merges = List.copyOf(merges);
    }
}
