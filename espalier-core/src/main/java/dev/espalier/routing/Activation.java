package dev.espalier.routing;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** How a row of scores becomes gates. */
public enum Activation {
    /** {@code e^z / Σ e^z}: gates of a row sum to 1. */
    @JsonProperty("softmax")
    SOFTMAX {
        @Override
        Tensor apply(Tensor scores) {
            return torch.softmax(scores, 1);
        }

        @Override
        void backward(float[] values, float[] d, int from, int experts) {
            float mean = 0;
            for (int i = from; i < from + experts; i++) {
                mean += d[i] * values[i];
            }
            for (int i = from; i < from + experts; i++) {
                d[i] = values[i] * (d[i] - mean);
            }
        }

        /** {@code -Σ p ln p = z_max - ln p_max - Σ p z}: one logarithm a row. */
        @Override
        double entropy(float[] scores, float[] values, int from, int experts) {
            int largest = from;
            double mean = 0;
            for (int i = from; i < from + experts; i++) {
                largest = scores[i] > scores[largest] ? i : largest;
                mean += (double) values[i] * scores[i];
            }
            return scores[largest] - Math.log(values[largest]) - mean;
        }
    },

    /** {@code 1 / (1 + e^-z)}: every gate by itself. */
    @JsonProperty("sigmoid")
    SIGMOID {
        @Override
        Tensor apply(Tensor scores) {
            return torch.sigmoid(scores);
        }

        @Override
        void backward(float[] values, float[] d, int from, int experts) {
            for (int i = from; i < from + experts; i++) {
                d[i] *= values[i] * (1 - values[i]);
            }
        }

        @Override
        double entropy(float[] scores, float[] values, int from, int experts) {
            double sum = 0;
            double weighted = 0;
            for (int i = from; i < from + experts; i++) {
                sum += values[i];
                weighted += values[i] > 0 ? values[i] * Math.log(values[i]) : 0;
            }
            return sum > 0 ? Math.log(sum) - weighted / sum : 0;
        }
    };

    /** The gates of scores {@code [rows, experts]}, fp32. */
    abstract Tensor apply(Tensor scores);

    /**
     * The gradient with respect to the scores of one row.
     *
     * @param values the gates
     * @param d in: the gradient with respect to the gates; out: with respect to the scores
     * @param from the row's first gate
     */
    abstract void backward(float[] values, float[] d, int from, int experts);

    /** Entropy in nats of a row's gates as shares of their sum. */
    abstract double entropy(float[] scores, float[] values, int from, int experts);
}
