package dev.espalier.routing;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * {@code z = W x}, without a bias. It is also the scorer by dot products with trained prototypes, the rows of {@code W}.
 *
 * @param weight {@code W}, {@code [width, in]}
 */
public record LinearScorer(Parameter weight) implements Scorer {
    @Override
    public List<Parameter> parameters() {
        return List.of(weight);
    }

    @Override
    public int width() {
        return (int) weight.shape()[0];
    }

    @Override
    public Pass of(ScorerInput input) {
        var w = weight.value().to(Engine.dtype(input.value()));
        return new LinearPass(weight, input, w, torch.mm(input.value(), w.t()).to(ScalarType.Float));
    }

    private record LinearPass(Parameter weight, ScorerInput input, Tensor w, Tensor scores) implements Pass {
        @Override
        public void save() {
            input.save();
            input.tape().save(w);
        }

        @Override
        public void backward(Tensor dScores) {
            var d = dScores.to(Engine.dtype(w));
            if (input.tape().trains(weight)) {
                input.tape().deliver(weight, torch.mm(d.t(), input.value()));
            }
            input.accumulateProduct(d, w);
        }
    }
}
