package dev.espalier.data.wordnet;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** The sources and the rows of seed 7, made once for all tests. */
final class Built {
    static final int SEED = 7;
    static final Sources SOURCES = new Sources();
    private static final Map<String, Split> SPLITS = new ConcurrentHashMap<>();

    private Built() {}

    static Split split(String task) {
        return SPLITS.computeIfAbsent(task, name -> BuiltinTasks.find(name).split(SEED, SOURCES));
    }

    static Stream<Row> rows(String task) {
        return Stream.concat(split(task).test().stream(), split(task).train().stream());
    }
}
