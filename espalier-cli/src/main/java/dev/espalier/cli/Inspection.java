package dev.espalier.cli;

import dev.espalier.adapter.AdapterFolder;
import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.Linear;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.report.RunHistory;
import dev.espalier.report.RunTable;
import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.global.torch.ScalarType;
import tools.jackson.databind.JsonNode;

/** Prints what a folder holds. */
final class Inspection {
    /** Of a list or table in the configuration, in characters. */
    private static final int LINE = 100;

    private Inspection() {}

    /** Configuration, linears that an adapter can attach to, tensors. */
    static void model(Path folder, PrintWriter out) {
        try (var checkpoint = CheckpointFolder.open(folder)) {
            var tensors = new TensorTable(checkpoint);
            out.println("Model " + folder);
            out.println("Parameters: " + tensors.total());
            out.println();
            out.println(configuration(checkpoint.config()));
            out.println(targets(folder));
            out.println(tensors);
        }
    }

    /** Configuration and what is trained. */
    static void adapter(Path folder, PrintWriter out) {
        try (var saved = AdapterFolder.open(folder);
                var weights = SafetensorsFile.open(folder.resolve(AdapterFolder.WEIGHTS))) {
            out.println("Adapter " + folder);
            out.println("Method: " + saved.spec().method());
            out.println("Trained parameters: " + TensorTable.count(saved.trainedWeights()));
            out.println();
            out.println(configuration(Json.read(folder.resolve("adapter_config.json"))));
            out.println(new TensorTable(weights));
        }
    }

    /** How it went, and the adapter that came of it. */
    static void run(Path folder, PrintWriter out) {
        out.println("Run " + folder);
        out.println();
        out.println(RunTable.of(List.of(RunHistory.read(folder))));
        if (Files.exists(folder.resolve("adapter").resolve("adapter_config.json"))) {
            adapter(folder.resolve("adapter"), out);
        }
    }

    private static String targets(Path folder) {
        try (var model = AutoModel.open(folder, ScalarType.Float)) {
            Map<String, Linear> kinds = new LinkedHashMap<>();
            Map<String, Integer> times = new LinkedHashMap<>();
            model.linears().forEach((path, linear) -> {
                kinds.putIfAbsent(TensorTable.folded(path), linear);
                times.merge(TensorTable.folded(path), 1, Integer::sum);
            });
            var table = new TextTable(List.of(
                    Column.text("can be adapted (target-modules)"),
                    Column.number("in"),
                    Column.number("out"),
                    Column.number("times")));
            kinds.forEach((path, linear) -> table.row(
                    path,
                    TensorTable.count(linear.inFeatures()),
                    TensorTable.count(linear.outFeatures()),
                    String.valueOf(times.get(path))));
            return table.toString();
        } catch (InputException e) {
            return "It cannot be adapted. " + e.getMessage() + System.lineSeparator();
        }
    }

    /** What is set and is no section of its own; switches that are off are left out. */
    private static String configuration(JsonNode config) {
        var table = new TextTable(List.of(Column.text("configuration"), Column.text("")));
        config.properties().forEach(entry -> {
            var value = entry.getValue();
            if (value.isString()) {
                table.row(entry.getKey(), value.stringValue());
            } else if (value.isNumber() || value.isBoolean() && value.booleanValue()) {
                table.row(entry.getKey(), value.toString());
            } else if ((value.isArray() || value.isObject()) && !value.isEmpty()) {
                table.row(entry.getKey(), shown(entry.getKey(), value));
            }
        });
        return table.toString();
    }

    /** What a sparse adapter keeps of each module is summed up, and of what else is long the beginning is shown. */
    private static String shown(String key, JsonNode value) {
        if (key.equals("kept") && value.isObject()) {
            long kept =
                    value.values().stream().mapToLong(count -> count.asLong(0)).sum();
            return TensorTable.count(value.size()) + " modules, " + TensorTable.count(kept) + " kept weights in all";
        }
        var text = value.toString();
        return text.length() <= LINE
                ? text
                : text.substring(0, LINE) + "… (" + TensorTable.count(value.size()) + " in all)";
    }
}
