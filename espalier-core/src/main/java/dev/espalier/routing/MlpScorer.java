package dev.espalier.routing;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * {@code z = W silu(V x)}, without biases: a network of two layers, for experts that no plane through the origin tells
 * apart.
 *
 * @param hidden {@code V}, {@code [hidden, in]}
 * @param weight {@code W}, {@code [width, hidden]}
 */
public record MlpScorer(Parameter hidden, Parameter weight) implements Scorer {
    @Override
    public List<Parameter> parameters() {
        return List.of(hidden, weight);
    }

    @Override
    public int width() {
        return (int) weight.shape()[0];
    }

    @Override
    public Pass of(ScorerInput input) {
        var dtype = Engine.dtype(input.value());
        var v = hidden.value().to(dtype);
        var w = weight.value().to(dtype);
        var linearly = torch.mm(input.value(), v.t());
        var activated = torch.silu(linearly);
        var scores = torch.mm(activated, w.t()).to(ScalarType.Float);
        return new MlpPass(this, input, v, w, linearly, activated, scores);
    }

    private record MlpPass(
            MlpScorer scorer, ScorerInput input, Tensor v, Tensor w, Tensor linearly, Tensor activated, Tensor scores)
            implements Pass {
        @Override
        public void save() {
            input.save();
            for (var tensor : new Tensor[] {v, w, linearly, activated}) {
                input.tape().save(tensor);
            }
        }

        @Override
        public void backward(Tensor dScores) {
            var tape = input.tape();
            var d = dScores.to(Engine.dtype(w));
            if (tape.trains(scorer.weight)) {
                tape.deliver(scorer.weight, torch.mm(d.t(), activated));
            }
            var dLinearly = torch.silu_backward(torch.mm(d, w), linearly);
            if (tape.trains(scorer.hidden)) {
                tape.deliver(scorer.hidden, torch.mm(dLinearly.t(), input.value()));
            }
            input.accumulateProduct(dLinearly, v);
        }
    }
}
