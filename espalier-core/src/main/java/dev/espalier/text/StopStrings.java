package dev.espalier.text;

import java.util.Comparator;
import java.util.List;

/** Lets text through up to the first stop string, holding back what may be the beginning of one. */
final class StopStrings {
    private final List<String> longestFirst;
    private final StringBuilder held = new StringBuilder();
    private boolean found;

    StopStrings(List<String> stops) {
        if (stops.contains("")) {
            throw new IllegalArgumentException("a stop string is empty");
        }
        longestFirst = stops.stream()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .toList();
    }

    /** Whether a stop string was seen; what comes after it is nobody's business. */
    boolean found() {
        return found;
    }

    /** What can be let through now. Goes by character, so that the result does not depend on how text is cut. */
    String add(String text) {
        var passed = new StringBuilder();
        for (int i = 0; i < text.length() && !found; i++) {
            held.append(text.charAt(i));
            int stop = endsWithStop();
            found = stop > 0;
            int pass = held.length() - (found ? stop : beginning());
            passed.append(held, 0, pass);
            held.delete(0, pass);
        }
        return passed.toString();
    }

    /** What was held back, once there is no more text. */
    String finish() {
        var rest = found ? "" : held.toString();
        held.setLength(0);
        return rest;
    }

    /** The length of the longest stop string that the held text ends with, or 0. */
    private int endsWithStop() {
        for (var stop : longestFirst) {
            int start = held.length() - stop.length();
            if (start >= 0 && held.indexOf(stop, start) == start) {
                return stop.length();
            }
        }
        return 0;
    }

    /** The length of the longest end of the held text that a stop string begins with. */
    private int beginning() {
        for (int start = 0; start < held.length(); start++) {
            var end = held.substring(start);
            if (longestFirst.stream().anyMatch(stop -> stop.startsWith(end))) {
                return end.length();
            }
        }
        return 0;
    }
}
