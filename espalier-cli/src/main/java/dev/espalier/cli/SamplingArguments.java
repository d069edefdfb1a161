package dev.espalier.cli;

import dev.espalier.generate.SamplingOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Option;

/** The options of commands that generate text. */
final class SamplingArguments {
    private static final Logger LOG = LoggerFactory.getLogger(SamplingArguments.class);

    @Option(
            names = "--max-new-tokens",
            paramLabel = "N",
            description = "End an answer after N tokens; ${DEFAULT-VALUE} unless given.",
            defaultValue = "256")
    private int maxNewTokens;

    @Option(
            names = "--temperature",
            paramLabel = "T",
            description = "Draw tokens at this temperature; 0, the default, takes the likeliest.",
            defaultValue = "0")
    private double temperature;

    @Option(
            names = "--top-k",
            paramLabel = "K",
            description = "Draw from the K likeliest tokens; 0, the default, from all.",
            defaultValue = "0")
    private int topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Draw from the likeliest tokens that together have probability P; 1 unless given.",
            defaultValue = "1")
    private double topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Draw from tokens at least P times as likely as the likeliest; 0 unless given.",
            defaultValue = "0")
    private double minP;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "X",
            description = "Above 1: make tokens that were there already less likely; 1 unless given.",
            defaultValue = "1")
    private double repetitionPenalty;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the draws; 0 unless given.", defaultValue = "0")
    private long seed;

    @Option(
            names = "--stop",
            paramLabel = "TEXT",
            description = "End an answer before this text; may be given several times.")
    private List<String> stops = new ArrayList<>();

    /** Tells of options that were set but do nothing, because nothing is drawn. */
    void warnOfUnused() {
        if (temperature != 0) {
            return;
        }
        var unused = new ArrayList<String>();
        add(unused, "--top-k", topK != 0);
        add(unused, "--top-p", topP != 1);
        add(unused, "--min-p", minP != 0);
        add(unused, "--seed", seed != 0);
        if (!unused.isEmpty()) {
            LOG.warn(
                    "{} {} no effect at temperature 0, which always takes the likeliest token; give a --temperature above 0"
                            + " to draw.",
                    String.join(", ", unused),
                    unused.size() == 1 ? "has" : "have");
        }
    }

    private static void add(List<String> names, String name, boolean set) {
        if (set) {
            names.add(name);
        }
    }

    SamplingOptions options(Set<Integer> stopTokens) {
        return SamplingOptions.builder()
                .maxNewTokens(maxNewTokens)
                .temperature(temperature)
                .topK(topK)
                .topP(topP)
                .minP(minP)
                .repetitionPenalty(repetitionPenalty)
                .seed(seed)
                .stopTokens(stopTokens)
                .stopStrings(stops)
                .build();
    }
}
