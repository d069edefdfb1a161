/** Weights and configurations on disk: safetensors, Hugging Face folders, ONNX weights, and how files are replaced. */
@NullMarked
package dev.espalier.checkpoint;

import org.jspecify.annotations.NullMarked;
