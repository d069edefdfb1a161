package dev.espalier.data;

import dev.espalier.error.InputException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The columns that some data has.
 *
 * @param where the file, task or row that messages name
 * @param present the columns' names
 */
record ColumnNames(String where, Collection<String> present) {
    /**
     * The column for a role: the one the task names, else the first of the usual names that is there.
     *
     * @throws InputException if the task names one that is not there
     */
    Optional<String> find(String role, @Nullable String named, List<String> usual) {
        if (named == null) {
            return usual.stream().filter(present::contains).findFirst();
        }
        if (!present.contains(named)) {
            throw new InputException(where + " has no column '" + named + "', which columns." + role
                    + " names; its columns are " + listed() + ".");
        }
        return Optional.of(named);
    }

    /** As {@link #find}, but the column must be there. */
    String need(String role, @Nullable String named, List<String> usual) {
        return find(role, named, usual)
                .orElseThrow(() -> new InputException(where + " has no column for " + role + " ("
                        + String.join(", ", usual) + "); its columns are " + listed()
                        + "; name the right one with columns." + role + "."));
    }

    private String listed() {
        return String.join(", ", present);
    }
}
