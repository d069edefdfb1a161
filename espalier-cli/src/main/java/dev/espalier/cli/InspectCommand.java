package dev.espalier.cli;

import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** Shows what a folder holds. */
@Command(
        name = "inspect",
        description =
                "Shows a model or an adapter: its configuration, its tensors with shapes, how many parameters it has.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        footer = {"", "Examples:", "  espalier inspect path/to/model", "  espalier inspect runs/my-run/adapter"})
final class InspectCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Parameters(paramLabel = "FOLDER", description = "A model or adapter folder in Hugging Face's layout.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private Path folder;

    @Override
    public void run() {
        var out = spec.commandLine().getOut();
        if (!Files.isDirectory(folder)) {
            throw new InputException("There is no folder " + folder + ".");
        }
        if (Files.exists(folder.resolve("adapter_config.json"))) {
            adapter(out);
        } else if (Files.exists(folder.resolve("config.json"))) {
            model(out);
        } else {
            throw new InputException(folder
                    + " holds neither config.json, as a model does, nor adapter_config.json, as an adapter does.");
        }
        out.flush();
    }

    private void model(PrintWriter out) {
        try (var checkpoint = CheckpointFolder.open(folder)) {
            var table = new TensorTable(checkpoint);
            heading(out, "Model", folder.toString());
            configuration(out, checkpoint.config());
            heading(out, "Parameters", TensorTable.count(table.parameters()) + " in " + table.tensors() + " tensors");
            out.println();
            table.print(out);
        }
    }

    private void adapter(PrintWriter out) {
        try (var weights = SafetensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
            var table = new TensorTable(weights);
            heading(out, "Adapter", folder.toString());
            configuration(out, Json.read(folder.resolve("adapter_config.json")));
            heading(
                    out,
                    "Trained",
                    TensorTable.count(table.parameters()) + " parameters in " + table.tensors() + " tensors");
            out.println();
            table.print(out);
        }
    }

    /** What is set and is no section of its own. */
    private static void configuration(PrintWriter out, JsonNode config) {
        config.properties().forEach(entry -> {
            var value = entry.getValue();
            boolean plain = value.isValueNode() && !value.isNull()
                    || value.isArray()
                            && !value.isEmpty()
                            && value.valueStream().allMatch(JsonNode::isValueNode);
            if (plain) {
                heading(out, "  " + entry.getKey(), value.isString() ? value.stringValue() : value.toString());
            }
        });
    }

    private static void heading(PrintWriter out, String name, String value) {
        out.printf("%-32s %s%n", name, value);
    }
}
