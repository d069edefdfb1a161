package dev.espalier.model.auto;

import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.checkpoint.SharedCheckpoint;
import dev.espalier.model.LanguageModel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.pytorch.global.torch.ScalarType;
import tools.jackson.databind.JsonNode;

/**
 * Opens models whose frozen weights are in memory once, however many models of one folder are open. What adapters attach to
 * one of them does not act on the others. A folder's weights stay, also when none of its models is open, until a model of
 * another folder is opened or this is closed.
 */
public final class ResidentModels implements AutoCloseable {
    private final Map<Path, Resident> folders = new HashMap<>();

    private record Resident(SharedCheckpoint weights, JsonNode config) {}

    /**
     * As {@link AutoModel#open(Path, ScalarType)}. Each model is closed by who opened it, before this is.
     *
     * @throws dev.espalier.error.InputException if the family is unknown, or a weight is missing or misshapen
     */
    public synchronized LanguageModel open(Path folder, ScalarType dtype) {
        var path = folder.toAbsolutePath().normalize();
        var resident = folders.get(path);
        if (resident == null) {
            freeUnread();
            var checkpoint = CheckpointFolder.open(folder);
            resident = new Resident(new SharedCheckpoint(checkpoint), checkpoint.config());
            folders.put(path, resident);
        }
        return AutoModel.open(resident.weights().reader(), resident.config(), folder.resolve("config.json"), dtype);
    }

    private void freeUnread() {
        folders.values().removeIf(resident -> {
            boolean unread = !resident.weights().isRead();
            if (unread) {
                resident.weights().close();
            }
            return unread;
        });
    }

    /** Frees the weights. */
    @Override
    public synchronized void close() {
        folders.values().forEach(resident -> resident.weights().close());
        folders.clear();
    }
}
