package dev.espalier.tensor;

import org.bytedeco.pytorch.Tensor;

/** Where backward delivers a parameter's gradient, one parameter at a time. */
@FunctionalInterface
public interface GradientSink {
    /**
     * Takes the gradient that one use of {@code parameter} gives; several uses add up.
     *
     * @param gradient of the parameter's shape, in any floating dtype; freed after the call unless retained
     */
    void add(Parameter parameter, Tensor gradient);
}
