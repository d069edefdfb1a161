package dev.espalier.train;

import dev.espalier.Fixtures;
import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.Batch;
import dev.espalier.data.Packing;
import dev.espalier.data.TaskKind;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.optim.AdamW;
import dev.espalier.optim.GradientClipping;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** As {@link LeakProcess} for a decoder: steps over packed rows and padded ones, with gradient checkpointing. */
final class DecoderLeakProcess {
    private static final int MAX_TOKENS = 32;

    private DecoderLeakProcess() {}

    public static void main(String[] args) {
        var spec = Mixtures.sira()
                .with(m -> m.targets(TargetModules.allLinear()).experts(4).topK(2));
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var model = AutoModel.decoder(Fixtures.path("models/llama"), ScalarType.Float);
                var adapter = Adapter.create("default", spec, model, RandomStream.of(1));
                var workers = new Workers(2)) {
            var weights = new LinkedHashMap<String, Tensor>();
            adapter.parameters().forEach(p -> weights.put(p.name(), p.value()));
            var rows = LlamaLora.rows();
            var batches = List.of(Batch.of(rows, 0), Batch.packed(Packing.pack(rows, MAX_TOKENS, 3), 0));
            var tasks = List.of(new StepTask(model.lmHead(), TaskKind.CAUSAL_LM));
            try (var step = new TrainingStep(model, tasks, adapter.parameters(), workers, true, Optional.empty(), 0);
                    var adamw = new AdamW(List.of(ParameterGroup.of(weights, 0)), AdamW.Options.DEFAULT)) {
                for (int i = 1; i <= LeakProcess.WARM_UP + LeakProcess.STEPS; i++) {
                    step.run(batches.get(i % 2).split(2), RandomStream.of(i));
                    GradientClipping.clip(step.gradients().byName(), 1);
                    adamw.step(step.gradients().byName(), 1e-3);
                    if (i == LeakProcess.WARM_UP || i == LeakProcess.WARM_UP + LeakProcess.STEPS) {
                        System.gc(); // frees what only garbage holds
                        System.out.println("MEASURED " + Scope.liveObjects() + " " + Pointer.physicalBytes());
                    }
                }
            }
        }
    }
}
