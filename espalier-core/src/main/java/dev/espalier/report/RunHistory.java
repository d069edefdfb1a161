package dev.espalier.report;

import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.Sensitivities;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;

/**
 * What {@code metrics.jsonl} of a run folder tells, in the order of steps. A step that was logged twice, as after a
 * resume, counts as it was logged last; a last window of training that the run's end cut short is joined with the one
 * before it, for a mean over a step or two would look like a jump.
 *
 * @param name of the run: its folder's
 * @param routers statistics of the routers; none unless the adapter is a mixture
 * @param ranks of the modules at each validation, where the adapter's budget changes; by step
 * @param similarities how alike the experts of a module are at each validation, where it has several; by step
 * @param tests one for each task that was tested
 * @param summary there once the run is done
 * @param allocated what modules were given before training, where that was decided
 * @param stages of the run, where its adapter trains in some
 * @param kept entries of each matrix in the end; none unless the adapter is sparse
 */
public record RunHistory(
        String name,
        List<Train> train,
        List<Validation> validations,
        List<Router> routers,
        List<Rank> ranks,
        List<Similarity> similarities,
        List<Test> tests,
        Optional<Summary> summary,
        Optional<Allocated> allocated,
        List<Stage> stages,
        List<Kept> kept) {
    private static final String FILE = "metrics.jsonl";

    /** Of a run whose adapter was not allocated, and whose ranks stay. */
    public RunHistory(
            String name,
            List<Train> train,
            List<Validation> validations,
            List<Router> routers,
            List<Test> tests,
            Optional<Summary> summary) {
        this(
                name,
                train,
                validations,
                routers,
                List.of(),
                List.of(),
                tests,
                summary,
                Optional.empty(),
                List.of(),
                List.of());
    }

    /**
     * An allocation of experts or ranks.
     *
     * @param sensitivities that it goes by, where they were measured
     */
    public record Allocated(Allocation allocation, Optional<Sensitivities> sensitivities, AllocationFacts facts) {
        private static Optional<Allocated> in(Path folder, AllocationFacts facts) {
            var allocation = folder.resolve("allocation.json");
            var sensitivities = folder.resolve("sensitivities.json");
            return Files.exists(allocation)
                    ? Optional.of(new Allocated(
                            Allocation.read(allocation),
                            Files.exists(sensitivities)
                                    ? Optional.of(Sensitivities.read(sensitivities))
                                    : Optional.empty(),
                            facts))
                    : Optional.empty();
        }
    }

    /**
     * Losses and speeds of a few steps.
     *
     * @param memoryMb what the process had in memory after them, in 1,000,000 bytes
     */
    public record Train(
            int step,
            double epoch,
            double loss,
            double learningRate,
            double gradNorm,
            double tokensPerSecond,
            double memoryMb) {}

    /** @param metrics by key, {@code loss} among them */
    public record Validation(int step, String task, Map<String, Double> metrics) {}

    /**
     * @param module path of the adapted linear
     * @param load share of the router's choices each expert got, before capacity
     * @param dropped share of the choices that exceeded capacity
     * @param entropy mean entropy of the gate over tokens, in nats
     */
    public record Router(int step, String module, List<Double> load, double dropped, double entropy) {}

    /**
     * A part of the run in which some weights train.
     *
     * @param step after which it begins
     */
    public record Stage(int step, String name) {}

    /** How many entries of a module's weight a sparse adapter keeps, of how many. */
    public record Kept(String module, long kept, long size) {}

    /** The rank of a module. */
    public record Rank(int step, String module, int rank) {}

    /**
     * @param mean cosine of two experts' changes of the weight
     * @param cosines {@code [expert][expert]}; none where there are many experts
     */
    public record Similarity(int step, String module, double mean, List<List<Double>> cosines) {}

    /**
     * @param metrics by key, such as {@code accuracy}, {@code accuracy_low}, {@code accuracy_high}
     * @param labels names of the confusion matrix's rows and columns; none where there is no matrix
     * @param confusion counts, {@code [truth][prediction]}
     */
    public record Test(
            int step, String task, Map<String, Double> metrics, List<String> labels, List<List<Long>> confusion) {}

    /**
     * @param trainedWeightsAdapter without the head's
     * @param seconds of everything, {@code trainSeconds} those of the training steps
     * @param trainTokens tokens of the training steps, padding not counted
     */
    public record Summary(
            String method,
            long trainedWeights,
            long trainedWeightsAdapter,
            double seconds,
            double trainSeconds,
            long trainTokens,
            double tokensPerSecond,
            double peakMemoryMb,
            int steps,
            int bestStep) {}

    /**
     * Reads a run folder. A last line that breaks off, as after a crash, is passed over.
     *
     * @throws InputException when there is no history or a line is not JSON
     */
    public static RunHistory read(Path folder) {
        var file = folder.resolve(FILE);
        String text;
        try {
            text = Files.readString(file, StandardCharsets.UTF_8);
        } catch (NoSuchFileException e) {
            throw new InputException(folder + " is no run folder: it has no " + FILE + ".", e);
        } catch (IOException e) {
            throw new InputException("Cannot read " + file + ": " + e.getMessage() + ".", e);
        }
        var reader = new Reader();
        var number = 0;
        for (var line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
            number++;
            try {
                reader.add(Json.mapper().readTree(line));
            } catch (JacksonException e) {
                throw new InputException(
                        file + ":" + number + " is not as a run writes it: " + e.getOriginalMessage() + ".", e);
            }
        }
        return reader.history(
                folder.toAbsolutePath().normalize().getFileName().toString(),
                Allocated.in(folder, reader.facts.facts()));
    }

    /** The tasks that were validated or tested, in the order they first appear. */
    public Set<String> tasks() {
        Set<String> tasks = new LinkedHashSet<>();
        validations.forEach(validation -> tasks.add(validation.task()));
        tests.forEach(test -> tasks.add(test.task()));
        return tasks;
    }

    /** The test of a task, if it was made. */
    public Optional<Test> test(String task) {
        return tests.stream().filter(test -> test.task().equals(task)).findFirst();
    }

    /** The last statistics of every router, by module. */
    public Map<String, Router> lastRouters() {
        return routers.stream()
                .collect(Collectors.toMap(
                        Router::module, router -> router, (earlier, later) -> later, LinkedHashMap::new));
    }

    private static final class Reader {
        /** Numbers that earlier versions did not write are 0. */
        private static final ObjectReader SUMMARY =
                Json.mapper().readerFor(Summary.class).without(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES);

        private final Map<Integer, Train> train = new TreeMap<>();
        private final Map<Integer, Map<String, Validation>> validations = new TreeMap<>();
        private final Map<Integer, Map<String, Router>> routers = new TreeMap<>();
        private final Map<Integer, Map<String, Rank>> ranks = new TreeMap<>();
        private final Map<Integer, Map<String, Similarity>> similarities = new TreeMap<>();
        private final Map<Integer, Stage> stages = new TreeMap<>();
        private final Map<String, Kept> kept = new LinkedHashMap<>();
        private final AllocationFacts.Reader facts = new AllocationFacts.Reader();
        private final Map<String, Test> tests = new LinkedHashMap<>();
        private Optional<Summary> summary = Optional.empty();

        void add(JsonNode line) {
            var step = line.path("step").asInt(0);
            var task = line.path("task").asString("");
            var module = line.path("module").asString("");
            switch (line.path("kind").asString("")) {
                case "train" ->
                    train.put(
                            step,
                            new Train(
                                    step,
                                    number(line, "epoch"),
                                    number(line, "loss"),
                                    number(line, "learning_rate"),
                                    number(line, "grad_norm"),
                                    number(line, "tokens_per_second"),
                                    number(line, "memory_mb")));
                case "validation" -> at(validations, step).put(task, new Validation(step, task, metrics(line)));
                case "router" ->
                    at(routers, step)
                            .put(
                                    module,
                                    new Router(
                                            step,
                                            module,
                                            line.path("load")
                                                    .valueStream()
                                                    .map(JsonNode::asDouble)
                                                    .toList(),
                                            number(line, "dropped"),
                                            number(line, "entropy")));
                case "rank" ->
                    at(ranks, step)
                            .put(
                                    module,
                                    new Rank(step, module, line.path("rank").asInt(0)));
                case "similarity" ->
                    at(similarities, step)
                            .put(module, new Similarity(step, module, number(line, "mean"), cosines(line)));
                case "stage" ->
                    stages.put(step, new Stage(step, line.path("stage").asString("")));
                case "kept" ->
                    kept.put(
                            module,
                            new Kept(
                                    module,
                                    line.path("kept").asLong(0),
                                    line.path("size").asLong(0)));
                case "allocation", "stability" -> facts.add(line);
                case "test" -> tests.put(task, test(step, task, line));
                case "summary" -> summary = Optional.of(SUMMARY.readValue(line));
                default -> {
                    // Kinds that later versions add are no business of this report.
                }
            }
        }

        private static List<List<Double>> cosines(JsonNode line) {
            return line.path("cosines")
                    .valueStream()
                    .map(row -> row.valueStream()
                            .map(value -> value.isNumber() ? value.asDouble() : Double.NaN)
                            .toList())
                    .toList();
        }

        private static Test test(int step, String task, JsonNode line) {
            return new Test(
                    step,
                    task,
                    metrics(line),
                    line.path("labels").valueStream().map(JsonNode::asString).toList(),
                    line.path("confusion")
                            .valueStream()
                            .map(row -> row.valueStream().map(JsonNode::asLong).toList())
                            .toList());
        }

        private static <T> Map<String, T> at(Map<Integer, Map<String, T>> bySteps, int step) {
            return bySteps.computeIfAbsent(step, s -> new LinkedHashMap<>());
        }

        /** JSON has no NaN, so a number that is missing or written as text is not a number. */
        private static double number(JsonNode line, String key) {
            var value = line.path(key);
            return value.isNumber() ? value.asDouble() : Double.NaN;
        }

        private static Map<String, Double> metrics(JsonNode line) {
            Map<String, Double> metrics = new LinkedHashMap<>();
            line.properties().forEach(entry -> {
                if (entry.getValue().isNumber() && !entry.getKey().equals("step")) {
                    metrics.put(entry.getKey(), entry.getValue().asDouble());
                }
            });
            return metrics;
        }

        RunHistory history(String name, Optional<Allocated> allocated) {
            return new RunHistory(
                    name,
                    LastWindow.join(List.copyOf(train.values()), Train::step, Reader::joined),
                    flat(validations),
                    joinedRouters(),
                    flat(ranks),
                    flat(similarities),
                    List.copyOf(tests.values()),
                    summary,
                    allocated,
                    List.copyOf(stages.values()),
                    List.copyOf(kept.values()));
        }

        private List<Router> joinedRouters() {
            Map<String, List<Router>> byModule = new LinkedHashMap<>();
            flat(routers).forEach(router -> byModule.computeIfAbsent(router.module(), m -> new ArrayList<>())
                    .add(router));
            return byModule.values().stream()
                    .flatMap(ofModule -> LastWindow.join(ofModule, Router::step, Reader::joined).stream())
                    .sorted(Comparator.comparingInt(Router::step))
                    .toList();
        }

        private static Train joined(Train before, Train last, LastWindow.Mean mean) {
            return new Train(
                    last.step(),
                    last.epoch(),
                    mean.of(before.loss(), last.loss()),
                    last.learningRate(),
                    last.gradNorm(),
                    mean.of(before.tokensPerSecond(), last.tokensPerSecond()),
                    mean.of(before.memoryMb(), last.memoryMb()));
        }

        private static Router joined(Router before, Router last, LastWindow.Mean mean) {
            var load = IntStream.range(
                            0, Math.min(before.load().size(), last.load().size()))
                    .mapToObj(expert ->
                            mean.of(before.load().get(expert), last.load().get(expert)))
                    .toList();
            return new Router(
                    last.step(),
                    last.module(),
                    load,
                    mean.of(before.dropped(), last.dropped()),
                    mean.of(before.entropy(), last.entropy()));
        }

        private static <T> List<T> flat(Map<Integer, Map<String, T>> bySteps) {
            return bySteps.values().stream()
                    .flatMap(step -> step.values().stream())
                    .toList();
        }
    }
}
