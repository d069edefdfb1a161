package dev.espalier.adapter.export;

/**
 * How far a merged model's logits are from those of the base model with the adapter beside it, both computed in fp32: the
 * largest absolute difference on a probe.
 *
 * @param exact before the merged weights are rounded to the base's dtype: what the order of sums makes
 * @param rounded of the folder as it was written
 */
public record MergeReport(double exact, double rounded) {}
