package dev.espalier.model.roberta;

import dev.espalier.model.EncoderConfig;
import dev.espalier.model.EncoderFamily;
import java.util.List;

/**
 * RoBERTa (Liu et al., arXiv 1907.11692) as Hugging Face saves it, and the models that share its layout. Positions
 * count from the padding id on: padding has the padding id, the first token the next number.
 */
public final class Roberta implements EncoderFamily {
    @Override
    public List<String> modelTypes() {
        return List.of("roberta", "xlm-roberta", "camembert");
    }

    @Override
    public String prefix() {
        return "roberta";
    }

    @Override
    public long[] positions(long[] inputIds, int tokens, EncoderConfig config) {
        int padding = config.padTokenId();
        var positions = new long[inputIds.length];
        for (int start = 0; start < positions.length; start += tokens) {
            int count = 0;
            for (int i = start; i < start + tokens; i++) {
                positions[i] = inputIds[i] == padding ? padding : padding + ++count;
            }
        }
        return positions;
    }

    @Override
    public int positionPadding(EncoderConfig config) {
        return config.padTokenId();
    }

    @Override
    public int maxTokens(EncoderConfig config) {
        return config.positions() - config.padTokenId() - 1;
    }

    @Override
    public ClassifierLayout classifier() {
        return new ClassifierLayout("classifier.dense", "classifier.out_proj", "classifier", true);
    }

    @Override
    public MaskedLmLayout maskedLm() {
        return new MaskedLmLayout("lm_head.dense", "lm_head.layer_norm", "lm_head.bias");
    }
}
