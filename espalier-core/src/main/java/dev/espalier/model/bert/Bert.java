package dev.espalier.model.bert;

import dev.espalier.model.EncoderConfig;
import dev.espalier.model.EncoderFamily;
import java.util.List;

/** BERT (Devlin et al., arXiv 1810.04805) as Hugging Face saves it. */
public final class Bert implements EncoderFamily {
    @Override
    public List<String> modelTypes() {
        return List.of("bert");
    }

    @Override
    public String prefix() {
        return "bert";
    }

    @Override
    public long[] positions(long[] inputIds, int tokens, EncoderConfig config) {
        var positions = new long[inputIds.length];
        for (int i = 0; i < positions.length; i++) {
            positions[i] = i % tokens;
        }
        return positions;
    }

    @Override
    public int positionPadding(EncoderConfig config) {
        return -1;
    }

    @Override
    public int maxTokens(EncoderConfig config) {
        return config.positions();
    }

    @Override
    public ClassifierLayout classifier() {
        return new ClassifierLayout("bert.pooler.dense", "classifier", "bert.pooler", false);
    }

    @Override
    public MaskedLmLayout maskedLm() {
        return new MaskedLmLayout(
                "cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions.bias");
    }
}
