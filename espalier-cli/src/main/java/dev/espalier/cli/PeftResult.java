package dev.espalier.cli;

import dev.espalier.adapter.AdapterFolder;
import dev.espalier.cli.recipe.Recipe;
import dev.espalier.evaluate.Metric;
import dev.espalier.json.Json;
import dev.espalier.report.Comparison;
import dev.espalier.report.Contender;
import dev.espalier.report.RunHistory;
import dev.espalier.train.OptimizerKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.global.torch;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A finished run as JSON in the layout of PEFT's method comparison ({@code method_comparison} of
 * github.com/huggingface/peft: {@code run_info}, {@code train_info}, {@code meta_info}). Times are in seconds, sizes and
 * memory in bytes; memory is the process's, for that is where the CPU's tensors are. What has no counterpart here is null
 * where PEFT's own reader asks for it, and else left out.
 */
final class PeftResult {
    private static final double BYTES = 1e6;
    private static final double NINETY_NINTH = 0.99;

    private final ComparedRun run;
    private final Contender.Run result;
    private final Comparison comparison;
    private final long baseWeights;

    /** @param baseWeights of the frozen model */
    PeftResult(ComparedRun run, Contender.Run result, Comparison comparison, long baseWeights) {
        this.run = run;
        this.result = result;
        this.comparison = comparison;
        this.baseWeights = baseWeights;
    }

    /** The file's text. */
    String json() {
        var root = Json.mapper().createObjectNode();
        root.set("run_info", runInfo());
        root.set("train_info", trainInfo());
        root.set("meta_info", metaInfo());
        return Json.pretty(root);
    }

    private ObjectNode runInfo() {
        var info = Json.mapper().createObjectNode();
        info.put("created_at", createdAt());
        info.put("total_time", result.summary().seconds());
        info.put("experiment_name", result.summary().method() + "/" + run.name());
        info.putNull("peft_branch");
        info.set("train_config", trainConfig(run.recipe().recipe()));
        info.set("peft_config", Json.read(run.folder().adapter().resolve("adapter_config.json")));
        info.put("error_msg", "");
        return info;
    }

    /** The recipe is written when a run begins, and never again. */
    private String createdAt() {
        try {
            return DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(
                    Files.getLastModifiedTime(run.folder().recipe())
                            .toInstant()
                            .truncatedTo(ChronoUnit.SECONDS)
                            .atOffset(ZoneOffset.UTC));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ObjectNode trainConfig(Recipe recipe) {
        var options = recipe.options();
        var config = Json.mapper().createObjectNode();
        config.put("model_id", recipe.model());
        config.put("dtype", options.dtype().equals("bf16") ? "bfloat16" : "float32");
        config.put("max_seq_length", maxTokens());
        config.put("batch_size", options.batchSize());
        config.put("max_steps", result.summary().steps());
        config.put("eval_steps", options.evaluateEvery());
        config.put("seed", options.seed());
        config.put("grad_norm_clip", options.clipNorm());
        config.put("optimizer_type", options.optimizer() == OptimizerKind.ADAMW ? "AdamW" : "Adafactor");
        config.putObject("optimizer_kwargs")
                .put("lr", options.learningRate())
                .put("weight_decay", options.weightDecay());
        config.put("lr_scheduler", options.schedule());
        config.putObject("generation_kwargs").put("max_new_tokens", options.generateTokens());
        return config;
    }

    /** As it was settled with the model and the tasks. */
    private int maxTokens() {
        try (var adapter = AdapterFolder.open(run.folder().adapter())) {
            return adapter.card()
                    .maxTokens()
                    .orElse(run.recipe().recipe().options().maxTokens());
        }
    }

    private ObjectNode trainInfo() {
        var summary = result.summary();
        var memory = result.history().train().stream()
                .mapToDouble(RunHistory.Train::memoryMb)
                .filter(Double::isFinite)
                .sorted()
                .toArray();
        var info = Json.mapper().createObjectNode();
        result.averageMemoryMb()
                .ifPresent(average -> info.put("accelerator_memory_reserved_avg", Math.round(average * BYTES)));
        info.put("accelerator_memory_max", Math.round(summary.peakMemoryMb() * BYTES));
        if (memory.length > 0) {
            int place = (int) Math.round(NINETY_NINTH * (memory.length - 1));
            info.put("accelerator_memory_reserved_99th", Math.round(memory[place] * BYTES));
        }
        info.put("train_time", summary.trainSeconds());
        info.put("file_size", result.fileSize());
        info.put("num_trainable_params", summary.trainedWeights());
        info.put("num_total_params", baseWeights + summary.trainedWeights());
        info.put("status", "success");
        info.set("metrics", metrics());
        return info;
    }

    /** An entry for each validation, then one for the test, as PEFT has them. */
    private ArrayNode metrics() {
        var entries = Json.mapper().createArrayNode();
        var validations = new TreeMap<Integer, ObjectNode>();
        for (var validation : result.history().validations()) {
            var entry = validations.computeIfAbsent(
                    validation.step(), step -> Json.mapper().createObjectNode().put("step", step));
            put(entry, "valid", validation.task(), validation.metrics());
        }
        int before = 0;
        for (var entry : validations.entrySet()) {
            training(entry.getValue(), before, entry.getKey());
            entries.add(entry.getValue());
            before = entry.getKey();
        }
        entries.add(test());
        return entries;
    }

    private ObjectNode test() {
        int steps = result.summary().steps();
        var test = Json.mapper().createObjectNode().put("step", steps);
        if (comparison.metrics().size() > 1) {
            test.put("test " + comparison.metric(), comparison.score(result));
        }
        result.history().tests().forEach(each -> put(test, "test", each.task(), each.metrics()));
        var train = result.history().train();
        training(test, train.size() < 2 ? 0 : train.get(train.size() - 2).step(), steps);
        test.put("train total tokens", result.summary().trainTokens());
        return test;
    }

    /** What a task is judged by; where there are several tasks, its name stands behind. */
    private void put(ObjectNode entry, String split, String task, Map<String, Double> measured) {
        var metric = comparison.metrics().getOrDefault(task, Metric.LOSS).key();
        var value = measured.get(metric);
        if (value != null) {
            entry.put(split + " " + metric + (comparison.metrics().size() > 1 ? " " + task : ""), value);
        }
    }

    /** Loss and speed of the steps after {@code from} up to {@code to}. */
    private void training(ObjectNode entry, int from, int to) {
        var lines = result.history().train().stream()
                .filter(line -> line.step() > from && line.step() <= to)
                .toList();
        lines.stream().mapToDouble(RunHistory.Train::loss).average().ifPresent(loss -> entry.put("train loss", loss));
        entry.put("train samples", (long) to * run.recipe().recipe().options().batchSize());
        lines.stream()
                .mapToDouble(RunHistory.Train::tokensPerSecond)
                .average()
                .ifPresent(rate -> entry.put("tokens / sec", rate));
        lines.stream()
                .mapToDouble(RunHistory.Train::memoryMb)
                .filter(Double::isFinite)
                .average()
                .ifPresent(memory -> entry.put("mem reserved avg", memory * BYTES));
    }

    private static ObjectNode metaInfo() {
        var versions = Version.properties();
        var info = Json.mapper().createObjectNode();
        info.putObject("package_info")
                .put("espalier-version", versions.getProperty("espalier"))
                .put("torch-version", versions.getProperty("libtorch"))
                .putNull("peft-version")
                .putNull("transformers-version")
                .putNull("datasets-version")
                .putNull("bitsandbytes-version");
        info.putObject("system_info")
                .put("system", System.getProperty("os.name"))
                .put("release", System.getProperty("os.version"))
                .put("machine", System.getProperty("os.arch"))
                .put("processor", System.getProperty("os.arch"))
                .put("accelerator", "cpu");
        try (var config = torch.show_config()) {
            info.put("pytorch_info", config.getString());
        }
        return info;
    }
}
