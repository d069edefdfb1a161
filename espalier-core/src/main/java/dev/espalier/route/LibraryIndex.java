package dev.espalier.route;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * {@code library.json}: what is in a library.
 *
 * @param format of the file, {@value #FORMAT}
 * @param adapters in the order they were added
 */
record LibraryIndex(int format, List<LibraryEntry> adapters) {
    static final String FILE = "library.json";
    static final int FORMAT = 1;

    LibraryIndex {
        adapters = adapters == null ? List.of() : List.copyOf(adapters);
    }

    static LibraryIndex empty() {
        return new LibraryIndex(FORMAT, List.of());
    }

    /** @throws InputException if the file is missing, broken or of a later format */
    static LibraryIndex read(Path library) {
        var file = library.resolve(FILE);
        var index = Json.read(Json.mapper(), file, LibraryIndex.class);
        if (index.format != FORMAT) {
            throw new InputException(file + " has format " + index.format + ", and this version reads format " + FORMAT
                    + "; use the version that wrote it.");
        }
        return index;
    }

    void write(Path library) {
        AtomicFiles.writeString(library.resolve(FILE), Json.pretty(this));
    }

    Optional<LibraryEntry> find(String name) {
        return adapters.stream().filter(entry -> entry.name().equals(name)).findFirst();
    }

    /** With {@code entry} in the place of the one of its name, or at the end. */
    LibraryIndex with(LibraryEntry entry) {
        var changed = new ArrayList<>(adapters);
        var place = find(entry.name()).map(changed::indexOf);
        if (place.isPresent()) {
            changed.set(place.get(), entry);
        } else {
            changed.add(entry);
        }
        return new LibraryIndex(FORMAT, changed);
    }

    LibraryIndex without(String name) {
        return new LibraryIndex(
                FORMAT,
                adapters.stream().filter(entry -> !entry.name().equals(name)).toList());
    }
}
