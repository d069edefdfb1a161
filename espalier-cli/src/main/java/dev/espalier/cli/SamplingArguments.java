package dev.espalier.cli;

import dev.espalier.generate.SamplingOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Option;

/** The options of commands that generate text. */
final class SamplingArguments {
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
