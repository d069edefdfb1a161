package dev.espalier.cli;

import dev.espalier.error.InputException;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;

/** The seeds that a command trains with. */
final class Seeds {
    private Seeds() {}

    /** @throws InputException if there is none, or one is below 0 or there twice */
    static List<Long> checked(List<Long> seeds) {
        if (seeds.isEmpty()) {
            throw new InputException("--seeds names no seed; give whole numbers from 0 on, such as 0,1,2.");
        }
        for (var seed : seeds) {
            if (seed < 0) {
                throw new InputException("--seeds has " + seed + "; a seed is a whole number from 0 on.");
            }
        }
        if (new HashSet<>(seeds).size() < seeds.size()) {
            throw new InputException("--seeds names a seed twice: "
                    + seeds.stream().map(String::valueOf).collect(Collectors.joining(",")) + "; give each once.");
        }
        return seeds;
    }
}
