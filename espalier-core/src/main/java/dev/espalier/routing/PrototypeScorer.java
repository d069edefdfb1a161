package dev.espalier.routing;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * {@code z_e = cos(x, v_e) / T}: how near a token's direction is to a trained prototype of every expert. Unlike
 * {@link LinearScorer}'s, scores do not grow with the length of tokens or prototypes. Cosine routing as in X-MoE (Chi et
 * al., <a href="https://arxiv.org/abs/2204.09179">arXiv 2204.09179</a>) but for their projection to few dimensions, and
 * with a temperature that stays.
 *
 * @param prototypes {@code v}, {@code [width, in]}
 * @param temperature {@code T}, above 0
 */
public record PrototypeScorer(Parameter prototypes, double temperature) implements Scorer {
    /** Vectors shorter than this count as so long: a token of zeros has cosine 0 with all. */
    private static final double SHORTEST = 1e-6;

    public PrototypeScorer {
        if (!(temperature > 0)) {
            throw new InputException("The router's temperature must be above 0, not " + temperature + ".");
        }
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(prototypes);
    }

    @Override
    public int width() {
        return (int) prototypes.shape()[0];
    }

    @Override
    public Pass of(ScorerInput input) {
        var lengths = lengths(prototypes.value());
        var directions = prototypes.value().div(lengths);
        var tokens = lengths(input.value());
        var dots = torch.mm(
                        input.value(),
                        directions.to(Engine.dtype(input.value())).t())
                .to(ScalarType.Float);
        var cosines = dots.div(tokens);
        return new CosinePass(this, input, directions, lengths, tokens, cosines, cosines.div(new Scalar(temperature)));
    }

    /** Of every row, {@code [rows, 1]}, fp32. */
    private static Tensor lengths(Tensor rows) {
        var single = rows.to(ScalarType.Float);
        return single.mul(single).sum(new long[] {1}, true, null).sqrt().clamp_min(new Scalar(SHORTEST));
    }

    private record CosinePass(
            PrototypeScorer scorer,
            ScorerInput input,
            Tensor directions,
            Tensor lengths,
            Tensor tokens,
            Tensor cosines,
            Tensor scores)
            implements Pass {
        @Override
        public void save() {
            input.save();
            for (var tensor : new Tensor[] {directions, lengths, tokens, cosines}) {
                input.tape().save(tensor);
            }
        }

        /** The derivative of a cosine is what is left of the other's direction without one's own, over one's length. */
        @Override
        public void backward(Tensor dScores) {
            var dtype = Engine.dtype(input.value());
            var dCosines = dScores.div(new Scalar(scorer.temperature));
            var weighted = dCosines.mul(cosines);
            var perToken = dCosines.div(tokens);
            if (input.tape().trains(scorer.prototypes)) {
                var towards = torch.mm(perToken.to(dtype).t(), input.value()).to(ScalarType.Float);
                var own = directions.mul(weighted.sum(0).unsqueeze(1));
                input.tape().deliver(scorer.prototypes, towards.sub(own).div(lengths));
            }
            if (input.x().requiresGrad()) {
                var own = weighted.sum(new long[] {1}, true, null).div(tokens).div(tokens);
                input.accumulate(input.value().mul(own.neg().to(dtype)));
                input.accumulateProduct(perToken.to(dtype), directions.to(dtype));
            }
        }
    }
}
