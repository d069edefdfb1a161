package dev.espalier.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The deltas of one module by adapter, in the order they act. A pass that has begun goes on with those it found. */
final class AttachedDeltas<D extends Delta> {
    private volatile Map<String, D> byAdapter = Map.of();

    synchronized void attach(String adapter, D delta) {
        if (byAdapter.containsKey(adapter)) {
            throw new IllegalStateException("the module has a delta of adapter '" + adapter + "' already");
        }
        var changed = new LinkedHashMap<>(byAdapter);
        changed.put(adapter, delta);
        byAdapter = Collections.unmodifiableMap(changed);
    }

    synchronized void detach(String adapter) {
        var changed = new LinkedHashMap<>(byAdapter);
        changed.remove(adapter);
        byAdapter = Collections.unmodifiableMap(changed);
    }

    Map<String, D> byAdapter() {
        return byAdapter;
    }
}
