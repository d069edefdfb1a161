package dev.espalier.routing;

import dev.espalier.tensor.Parameter;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * {@code z_e = |v_e · x|}: how much of a token lies in the direction of every expert, whose sign means nothing. It is an
 * absolute dot product, not a cosine. Arrow (Ostapenko et al., <a href="https://arxiv.org/abs/2405.11157">arXiv
 * 2405.11157</a>).
 *
 * @param products with the directions, {@code [width, in]}
 */
public record ArrowScorer(LinearScorer products) implements Scorer {
    /** @param directions {@code v}, {@code [width, in]} */
    public ArrowScorer(Parameter directions) {
        this(new LinearScorer(directions));
    }

    @Override
    public List<Parameter> parameters() {
        return products.parameters();
    }

    @Override
    public int width() {
        return products.width();
    }

    @Override
    public Pass of(ScorerInput input) {
        return new SizePass(input, products.of(input));
    }

    private record SizePass(ScorerInput input, Pass signed, Tensor scores) implements Pass {
        SizePass(ScorerInput input, Pass signed) {
            this(input, signed, signed.scores().abs());
        }

        @Override
        public void save() {
            signed.save();
            input.tape().save(signed.scores());
        }

        @Override
        public void backward(Tensor dScores) {
            signed.backward(dScores.mul(signed.scores().sign()));
        }
    }
}
