package dev.espalier.cli;

import dev.espalier.adapter.export.AdapterExport;
import dev.espalier.adapter.export.Probe;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.cli.recipe.MergeFormat;
import dev.espalier.cli.recipe.MergeRecipe;
import dev.espalier.cli.recipe.MergeRecipes;
import dev.espalier.data.TaskKind;
import dev.espalier.json.Json;
import dev.espalier.merge.MergeMethods;
import dev.espalier.merge.MergePlan;
import dev.espalier.merge.MergedAdapter;
import dev.espalier.merge.MergedAdapter.Written;
import dev.espalier.merge.MergedHeads;
import dev.espalier.merge.MergedMasks;
import dev.espalier.merge.Merger;
import dev.espalier.report.MergingReport;
import dev.espalier.report.MergingTable;
import dev.espalier.report.Report;
import dev.espalier.text.TextTokenizer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** One merge: searched if that is asked for, written, and told of. */
final class MergeRun {
    /** What a merge was, in its folder. */
    static final String JSON = "merge.json";

    private static final int RANK = 16;

    private final MergeRecipe recipe;
    private final MergeInputs inputs;
    private final Path target;
    private final PrintWriter out;
    private final List<String> facts = new ArrayList<>();
    private List<MergeSearch.Tried> tried = List.of();

    MergeRun(MergeRecipe recipe, MergeInputs inputs, Path target, PrintWriter out) {
        this.recipe = recipe;
        this.inputs = inputs;
        this.target = target;
        this.out = out;
    }

    void run() {
        var plan = recipe.search().isWanted() ? searched() : recipe.plan();
        try (var merger = new Merger(inputs.adapters(), plan)) {
            var heads = new MergedHeads(inputs.heads(), inputs.base());
            facts.addAll(heads.notes());
            write(merger, heads);
            out.print(MergingTable.of(merger));
            facts.forEach(out::println);
            out.println("Report   " + target.resolve(Report.FILE));
            out.println("Written: " + target);
            out.flush();
        }
    }

    private MergePlan searched() {
        var search = new MergeSearch(recipe.search(), inputs.adapters().size(), recipe.seed());
        try (var scores = new MergeScores(inputs, recipe.search())) {
            var best = search.run(recipe.plan(), scores::score);
            tried = search.tried();
            out.print(search.table());
            out.println("Validation only: " + tried.size() + " merges were tried.");
            out.println();
            out.flush();
            return best;
        }
    }

    private void write(Merger merger, MergedHeads heads) {
        var adapter = new MergedAdapter(merger, inputs.model(), heads);
        noteWhole(adapter.wholeModules().size());
        switch (recipe.format()) {
            case LORA ->
                adapter.lora(target, rank(), (folder, written) -> describe(folder, merger, Optional.of(written)));
            case CONCAT ->
                adapter.concatenated(target, (folder, written) -> describe(folder, merger, Optional.of(written)));
            case SPARSE -> adapter.sparse(target, (folder, written) -> describe(folder, merger, Optional.of(written)));
            case FULL -> adapter.full(target, (folder, written) -> describe(folder, merger, Optional.of(written)));
            case MASKS ->
                MergedMasks.write(
                        target,
                        merger,
                        inputs.heads(),
                        inputs.base(),
                        folder -> describe(folder, merger, Optional.empty()));
            case DENSE -> dense(merger, heads);
        }
    }

    /** Whoever asked for a small form learns what is not small. */
    private void noteWhole(int modules) {
        var format = recipe.format();
        if (modules > 0 && format != MergeFormat.FULL && format != MergeFormat.DENSE && format != MergeFormat.MASKS) {
            facts.add(modules + (modules == 1 ? " module is" : " modules are") + " saved as whole copies, for format "
                    + lower(format) + " has no place for changes of biases and norms.");
        }
    }

    /** The rank that was asked for, or the largest there is. */
    private int rank() {
        return recipe.rank() != null
                ? recipe.rank()
                : inputs.heads().stream()
                        .flatMapToInt(adapter -> adapter.rank().stream())
                        .max()
                        .orElse(RANK);
    }

    private void dense(Merger merger, MergedHeads heads) {
        boolean one = heads.card().heads().size() <= 1;
        var card = one ? heads.card() : new MergedHeads(List.of(), inputs.base()).card();
        if (!one && heads.card().heads().stream().anyMatch(head -> head.kind() != TaskKind.CAUSAL_LM)) {
            facts.add("A model folder has no place for the heads of "
                    + heads.card().heads().size()
                    + " tasks, so it holds the body only; format lora or full keeps them.");
        }
        try (var tokenizer = TextTokenizer.open(inputs.baseFolder())) {
            double difference = AdapterExport.merged(
                    merger,
                    card,
                    one ? heads.weights() : Map.of(),
                    inputs.baseFolder(),
                    target,
                    Optional.of(Probe.of(tokenizer, ExportCommand.PROBE)),
                    folder -> describe(folder, merger, Optional.empty()));
            facts.add(String.format(
                    Locale.ROOT,
                    "Largest difference of an output that rounding to the base's number type makes: %.2g.",
                    difference));
        }
    }

    /** Writes {@value #JSON} and the report into the new folder. */
    private void describe(Path folder, Merger merger, Optional<Written> written) {
        written.ifPresent(this::note);
        var statistics = merger.statistics();
        facts.add(String.format(
                Locale.ROOT,
                "Sign conflicts: %.0f %% of the places that any adapter changes (in a sample of rows).",
                100 * statistics.signConflicts()));
        AtomicFiles.writeString(folder.resolve(JSON), Json.pretty(json(merger, written)));
        var lines = new ArrayList<String>();
        lines.add(merger.adapters().size() + " adapters merged by " + recipe.method() + ".");
        lines.addAll(facts);
        MergingReport.write(
                folder.resolve(Report.FILE),
                "Merge of " + merger.adapters().size() + " adapters",
                merger,
                lines,
                written.map(Written::relativeErrors).orElse(Map.of()));
    }

    private void note(Written written) {
        if (recipe.format() == MergeFormat.LORA && !written.relativeErrors().isEmpty()) {
            facts.add(String.format(
                    Locale.ROOT,
                    "Rank %d leaves out %.1f %% of the merged change (Frobenius norm).",
                    rank(),
                    100 * written.relativeError()));
        }
        facts.add(TensorTable.count(written.weights()) + " numbers written.");
    }

    private Map<String, Object> json(Merger merger, Optional<Written> written) {
        var method = merger.plan().method();
        var statistics = merger.statistics();
        var json = new LinkedHashMap<String, Object>();
        json.put("base_model", inputs.base());
        json.put("method", method.name());
        json.put(
                "source",
                Optional.ofNullable(MergeMethods.all().get(method.name())).map(MergeMethods.Named::source));
        json.put("representation", lower(method.representation()));
        json.put("density", method.sparsifier().density());
        json.put("lambda", method.lambda());
        json.put("seed", merger.plan().seed());
        json.put("format", lower(recipe.format()));
        written.filter(w -> recipe.format() == MergeFormat.LORA).ifPresent(w -> {
            json.put("rank", rank());
            json.put("relative_error", w.relativeError());
        });
        json.put("sign_conflicts", statistics.signConflicts());
        json.put("adapters", adapters(merger));
        json.put("overlap", pairs(merger, statistics::overlap));
        json.put("pairwise_sign_conflicts", pairs(merger, statistics::signConflicts));
        json.put("notes", facts);
        if (!tried.isEmpty()) {
            json.put("search", tried.stream().map(MergeSearch.Tried::json).toList());
        }
        json.put("recipe", MergeRecipes.resolved(recipe));
        return json;
    }

    private static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    private interface OfPair {
        double value(int a, int b);
    }

    private static List<List<Double>> pairs(Merger merger, OfPair pair) {
        var rows = new ArrayList<List<Double>>();
        for (int i = 0; i < merger.adapters().size(); i++) {
            var row = new ArrayList<Double>();
            for (int j = 0; j < merger.adapters().size(); j++) {
                row.add(pair.value(i, j));
            }
            rows.add(row);
        }
        return rows;
    }

    private List<Map<String, Object>> adapters(Merger merger) {
        var shares = merger.statistics().normShares();
        var rows = new ArrayList<Map<String, Object>>();
        for (int i = 0; i < merger.adapters().size(); i++) {
            var row = new LinkedHashMap<String, Object>();
            row.put("name", merger.adapters().get(i).name());
            row.put("path", inputs.folders().get(i).toString());
            row.put("kind", merger.adapters().get(i).kind());
            row.put("changed_weights", merger.adapters().get(i).shapes().size());
            row.put("weight", merger.plan().weight(i));
            row.put("norm_share", shares.get(i));
            row.put("kept", merger.statistics().density(i));
            row.put("sign_conflicts", merger.statistics().signConflictsWithOthers(i));
            rows.add(row);
        }
        return rows;
    }
}
