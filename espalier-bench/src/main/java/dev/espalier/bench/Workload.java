package dev.espalier.bench;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.model.Head;
import dev.espalier.model.LanguageModel;
import dev.espalier.tensor.RandomStream;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** What a step trains: a model with random weights, its head and a batch, and how much work that is. */
interface Workload {
    /** The model; the caller closes it. */
    LanguageModel model(ScalarType dtype);

    TaskKind kind();

    /** The head that the batch asks. */
    Head head(LanguageModel model, RandomStream random);

    /** Full rows of random tokens. */
    Batch batch(int rows, int tokens);

    /** Query and value, by the names that the model has for them. */
    TargetModules targets();

    /** Query, key and value, likewise. */
    TargetModules attentionInputs();

    /** All four matrices of attention, likewise. */
    TargetModules attention();

    /** The longest row. */
    int positions();

    /** Rows unless a user says otherwise. */
    int usualBatch();

    /** Tokens of a row unless a user says otherwise. */
    int usualTokens();

    /** The operations that a step of so many rows requires, each of so many tokens. */
    Work work(AdapterSpec spec, long rows, long tokens);
}
