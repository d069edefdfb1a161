package dev.espalier.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What adapters have put on one module, in the order it acts. A pass that has begun goes on with what it found. */
final class ByAdapter<T> {
    private volatile Map<String, T> values = Map.of();

    synchronized void attach(String adapter, T value) {
        if (values.containsKey(adapter)) {
            throw new IllegalStateException("adapter '" + adapter + "' is on the module already");
        }
        var changed = new LinkedHashMap<>(values);
        changed.put(adapter, value);
        values = Collections.unmodifiableMap(changed);
    }

    synchronized void detach(String adapter) {
        var changed = new LinkedHashMap<>(values);
        changed.remove(adapter);
        values = Collections.unmodifiableMap(changed);
    }

    Map<String, T> values() {
        return values;
    }
}
