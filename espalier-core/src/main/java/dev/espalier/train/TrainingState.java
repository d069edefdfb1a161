package dev.espalier.train;

import dev.espalier.checkpoint.Safetensors;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.RouterObservation;
import dev.espalier.tensor.Parameter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import tools.jackson.core.JacksonException;

/**
 * All that training goes on from, in one safetensors file that is replaced as a whole: the adapter's and the heads'
 * weights, the optimizer's state, the budget's and the best weights as tensors, the rest as JSON in the file's metadata. Random numbers need no
 * state: they are a function of seed and step.
 *
 * @param step optimizer steps that are done
 * @param settings what must be the same for a resumed run to be equal, as JSON
 * @param best about the best validation
 * @param meter means since the last line of metrics
 * @param routers statistics since the last lines about them
 * @param seconds the run has taken so far
 * @param metricsBytes lengths of the files of metrics at that step; see {@link MetricsLog#flush}
 */
record TrainingState(
        int step,
        Map<String, String> settings,
        BestCheckpoint.State best,
        StepMeter.State meter,
        List<RouterObservation> routers,
        double seconds,
        Map<String, Long> metricsBytes) {
    private static final String KEY = "training";
    private static final String WEIGHTS = "weights.";
    private static final String BEST = "best.";
    private static final String OPTIMIZER = "optimizer.";
    private static final String BUDGET = "budget.";

    /** Writes the file; whatever happens, the former one or the new one is whole. */
    void write(
            Path file,
            List<Parameter> weights,
            Map<String, Tensor> best,
            Map<String, Tensor> optimizer,
            Map<String, Tensor> budget) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        weights.forEach(parameter -> tensors.put(WEIGHTS + parameter.name(), parameter.value()));
        best.forEach((name, tensor) -> tensors.put(BEST + name, tensor));
        optimizer.forEach((name, tensor) -> tensors.put(OPTIMIZER + name, tensor));
        budget.forEach((name, tensor) -> tensors.put(BUDGET + name, tensor));
        Safetensors.write(file, tensors, Map.of(KEY, Json.mapper().writeValueAsString(this)));
    }

    /** The state file, mapped. */
    static final class File implements AutoCloseable {
        private final SafetensorsFile file;

        File(Path path) {
            file = SafetensorsFile.open(path);
        }

        /** @throws InputException if the file was not written by a run */
        TrainingState state() {
            var json = file.metadata().get(KEY);
            if (json == null) {
                throw new InputException(file.path() + " is not a saved training state; start the run anew.");
            }
            try {
                return Json.mapper().readValue(json, TrainingState.class);
            } catch (JacksonException e) {
                throw Json.explain(e, file.path().toString());
            }
        }

        Map<String, Tensor> weights() {
            return tensors(WEIGHTS);
        }

        Map<String, Tensor> best() {
            return tensors(BEST);
        }

        Map<String, Tensor> optimizer() {
            return tensors(OPTIMIZER);
        }

        Map<String, Tensor> budget() {
            return tensors(BUDGET);
        }

        private Map<String, Tensor> tensors(String prefix) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            file.names().stream()
                    .filter(name -> name.startsWith(prefix))
                    .forEach(name -> tensors.put(name.substring(prefix.length()), file.tensor(name)));
            return tensors;
        }

        @Override
        public void close() {
            file.close();
        }
    }

    /**
     * Refuses to go on with other settings: the result would be that of neither.
     *
     * @throws InputException for the first setting that differs, with both values
     */
    void requireSame(Map<String, String> now) {
        now.forEach((key, value) -> {
            var before = settings.get(key);
            if (!value.equals(before)) {
                throw new InputException("The run was started with " + key + " " + before + ", but now it is " + value
                        + "; resume it with the same recipe, or start another run.");
            }
        });
    }
}
