package dev.espalier.cli;

import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.Linear;
import dev.espalier.model.auto.AutoEncoder;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.global.torch.ScalarType;
import tools.jackson.databind.JsonNode;

/** Prints what a folder holds. */
final class Inspection {
    private Inspection() {}

    /** Configuration, linears that an adapter can attach to, tensors. */
    static void model(Path folder, PrintWriter out) {
        try (var checkpoint = CheckpointFolder.open(folder)) {
            var table = new TensorTable(checkpoint);
            line(out, "Model", folder.toString());
            line(out, "Parameters", TensorTable.count(table.parameters()) + " in " + table.tensors() + " tensors");
            out.printf("%nConfiguration%n");
            configuration(checkpoint.config(), out);
            out.printf("%nCan be adapted (target-modules)%n");
            targets(folder, out);
            out.println();
            table.print(out);
        }
    }

    /** Configuration and what is trained. */
    static void adapter(Path folder, PrintWriter out) {
        try (var weights = SafetensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
            var table = new TensorTable(weights);
            line(out, "Adapter", folder.toString());
            line(out, "Trained", TensorTable.count(table.parameters()) + " parameters in " + table.tensors() + " tensors");
            out.printf("%nConfiguration%n");
            configuration(Json.read(folder.resolve("adapter_config.json")), out);
            out.println();
            table.print(out);
        }
    }

    private static void targets(Path folder, PrintWriter out) {
        try (var model = AutoEncoder.open(folder, ScalarType.Float)) {
            Map<String, Linear> first = new LinkedHashMap<>();
            Map<String, Integer> times = new LinkedHashMap<>();
            model.linears().forEach((path, linear) -> {
                var name = TensorTable.folded(path);
                first.putIfAbsent(name, linear);
                times.merge(name, 1, Integer::sum);
            });
            first.forEach((name, linear) -> line(
                    out, "  " + name, "[" + linear.outFeatures() + ", " + linear.inFeatures() + "] x " + times.get(name)));
        } catch (InputException e) {
            out.println("  nothing: " + e.getMessage());
        }
    }

    /** What is set and is no section of its own. */
    private static void configuration(JsonNode config, PrintWriter out) {
        config.properties().forEach(entry -> {
            var value = entry.getValue();
            boolean plain = value.isValueNode() && !value.isNull()
                    || value.isArray() && !value.isEmpty() && value.valueStream().allMatch(JsonNode::isValueNode);
            if (plain) {
                line(out, "  " + entry.getKey(), value.isString() ? value.stringValue() : value.toString());
            }
        });
    }

    private static void line(PrintWriter out, String name, String value) {
        out.printf("%-46s %s%n", name, value);
    }
}
