package dev.espalier.cli;

import dev.espalier.data.Input;
import dev.espalier.error.InputException;
import dev.espalier.generate.Generation;
import dev.espalier.generate.Generator;
import dev.espalier.generate.Prompt;
import dev.espalier.generate.SamplingOptions;
import dev.espalier.generate.StopTokens;
import dev.espalier.model.DecoderModel;
import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import dev.espalier.route.RoutedLibrary;
import dev.espalier.route.RoutedLibrary.Share;
import dev.espalier.route.Routing;
import dev.espalier.tensor.Engine;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows which adapters texts would get. */
@Command(
        name = "route",
        description = "Shows which adapters of a library texts get, and what they answer.",
        footer = {
            "",
            "Of --route retrieve: the cosine of the text's and the samples' embeddings, and",
            "the adapter's weight in the output. Of --route arrow, as means over the text's",
            "tokens and the adapted linears: the gate before the choice, and how often the",
            "adapter is among those chosen.",
            "",
            "Examples:",
            "  espalier library route my-library \"the printer is on fire\"",
            "  espalier library route my-library --route retrieve --route-top-k 1 --answer \"the printer is on fire\""
        })
final class LibraryRouteCommand implements Runnable {
    /** Adapters shown for a text unless all are asked for. */
    private static final int SHOWN = 5;

    private static final int TEXT_WIDTH = 40;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Mixin
    private final LibraryArgument library = new LibraryArgument();

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "TEXT", description = "What is to be routed.")
    private List<String> texts = new ArrayList<>();

    @ArgGroup(exclusive = false, heading = "%nRouting:%n")
    private final RoutingArguments routing = new RoutingArguments();

    @Option(names = "--all", description = "Show all adapters, not only those that act most.")
    private boolean all;

    @Option(
            names = "--answer",
            description =
                    "Answer the texts, too: of an encoder by a head of the adapter that acts most and has one, of a causal language model by going on.")
    private boolean answer;

    @Option(
            names = "--max-new-tokens",
            paramLabel = "N",
            description = "End an answer after N tokens; ${DEFAULT-VALUE} unless given.",
            defaultValue = "40")
    private int maxNewTokens;

    @Option(
            names = "--dtype",
            paramLabel = "DTYPE",
            description = "Number type of the frozen weights: fp32 (the default) or bf16.")
    private String dtype = "fp32";

    @Override
    public void run() {
        if (texts.stream().anyMatch(String::isBlank)) {
            throw new InputException("A text to route is blank; give some words.");
        }
        Engine.load();
        var how = routing.routing();
        try (var opened = library.open().route(how, dtype, 0)) {
            var shares = opened.shares(texts);
            var out = spec.commandLine().getOut();
            out.print(table(shares, how));
            if (answer) {
                out.println();
                out.print(answers(opened, shares));
            }
            out.flush();
        }
    }

    private TextTable table(List<List<Share>> shares, Routing how) {
        boolean byText = how instanceof Routing.Retrieve;
        var table = new TextTable(List.of(
                Column.text("text"),
                Column.text("adapter"),
                Column.number(byText ? "cosine" : "gate"),
                Column.number(byText ? "weight" : "chosen")));
        for (int text = 0; text < texts.size(); text++) {
            var shown = shares.get(text).stream()
                    .limit(all ? Long.MAX_VALUE : SHOWN)
                    .toList();
            for (int row = 0; row < shown.size(); row++) {
                table.row(
                        row == 0 ? cut(texts.get(text)) : "",
                        shown.get(row).adapter(),
                        String.format(Locale.ROOT, "%.3f", shown.get(row).score()),
                        String.format(Locale.ROOT, "%.3f", shown.get(row).weight()));
            }
        }
        return table;
    }

    private TextTable answers(RoutedLibrary opened, List<List<Share>> shares) {
        if (opened.model().model() instanceof DecoderModel decoder) {
            var table = new TextTable(List.of(Column.text("text"), Column.text("answer")));
            var generated = generated(opened, decoder);
            IntStream.range(0, texts.size())
                    .forEach(i -> table.row(
                            cut(texts.get(i)), generated.get(i).text().strip().replaceAll("\\s+", " ")));
            return table;
        }
        var table = new TextTable(
                List.of(Column.text("text"), Column.text("adapter"), Column.text("task"), Column.text("answer")));
        for (int text = 0; text < texts.size(); text++) {
            var input = texts.get(text);
            var by = shares.get(text).stream()
                    .filter(share -> !opened.tasks(share.adapter()).isEmpty())
                    .findFirst();
            by.ifPresent(share -> opened.tasks(share.adapter())
                    .forEach(task -> table.row(cut(input), share.adapter(), task, answer(opened, task, input))));
        }
        return table;
    }

    private static String answer(RoutedLibrary opened, String task, String text) {
        var kind = opened.model().task(task).kind();
        Input input =
                switch (kind) {
                    case TOKEN_LABELS -> new Input.Words(List.of(text.strip().split("\\s+")));
                    default -> new Input.Text(text);
                };
        var answer = opened.model().predict(task, List.of(input)).get(0);
        return AnswerText.of(answer, 1, false).replace('\t', ' ');
    }

    private List<Generation> generated(RoutedLibrary opened, DecoderModel decoder) {
        var tokenizer = opened.model().tokenizer();
        var options = SamplingOptions.builder()
                .maxNewTokens(maxNewTokens)
                .stopTokens(StopTokens.of(opened.baseModel(), tokenizer))
                .build();
        var prompts = IntStream.range(0, texts.size())
                .mapToObj(i -> Prompt.text(i, texts.get(i), tokenizer))
                .toList();
        var inputs = texts.stream().<Input>map(Input.Text::new).toList();
        return new Generator(decoder, tokenizer, options)
                .generate(prompts, opened.guide().of(inputs), Generator.Listener.NONE);
    }

    private static String cut(String text) {
        var line = text.strip().replaceAll("\\s+", " ");
        return line.length() <= TEXT_WIDTH ? line : line.substring(0, TEXT_WIDTH - 1) + "…";
    }
}
