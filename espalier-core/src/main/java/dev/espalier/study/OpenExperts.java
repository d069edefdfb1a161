package dev.espalier.study;

import dev.espalier.adapter.AdapterDeltas;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.DeltaSource;
import dev.espalier.error.InputException;
import dev.espalier.model.LanguageModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/** The adapters of one kind, mapped while their merges are scored; each is opened when it is first needed. */
final class OpenExperts implements AutoCloseable {
    private final LanguageModel base;
    private final Map<String, Path> folders;
    private final Map<String, AdapterDeltas> opened = new HashMap<>();
    private final Map<Path, Long> checksums = new HashMap<>();

    OpenExperts(LanguageModel base, Map<String, Path> folders) {
        this.base = base;
        this.folders = folders;
    }

    /** The adapters of these tasks, in this order. */
    List<DeltaSource> of(List<String> tasks) {
        var sources = new ArrayList<DeltaSource>();
        for (var task : tasks) {
            sources.add(opened.computeIfAbsent(task, name -> AdapterDeltas.open(name, folder(name), base, Map.of())));
        }
        return sources;
    }

    private Path folder(String task) {
        var folder = folders.get(task);
        if (folder == null) {
            throw new InputException("There is no adapter for the task '" + task + "'; train it first.");
        }
        return folder;
    }

    /** Tells these adapters from others. */
    String checksum(List<String> tasks) {
        long sum = 17;
        for (var task : tasks) {
            sum = 31 * sum + checksums.computeIfAbsent(folder(task), OpenExperts::checksum);
        }
        return Long.toHexString(sum);
    }

    private static long checksum(Path folder) {
        var sum = new CRC32();
        var weights = folder.resolve(AdapterFolder.WEIGHTS);
        try {
            sum.update(Files.readAllBytes(weights));
        } catch (IOException e) {
            throw new InputException(
                    "The adapter in " + folder + " has lost its weights: " + weights
                            + " can't be read; remove its run to train it again.",
                    e);
        }
        return sum.getValue();
    }

    @Override
    public void close() {
        opened.values().forEach(AdapterDeltas::close);
        opened.clear();
    }
}
