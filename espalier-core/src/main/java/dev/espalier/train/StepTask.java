package dev.espalier.train;

import dev.espalier.data.TaskKind;
import dev.espalier.model.Head;

/** A task of a run as a training step sees it. */
public record StepTask(Head head, TaskKind kind) {}
