package dev.espalier.model;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Variable;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A frozen language model with any number of heads, encoder or decoder. Weights are views of the mapped checkpoint where
 * its dtype is the wanted one. Forward passes may run on several threads at once; adding heads and attaching adapters
 * may not.
 */
public interface LanguageModel extends AutoCloseable {
    /** The dtype of the frozen weights and of the activations. */
    ScalarType dtype();

    /** The longest sequence that the model has positions for, special tokens included. */
    int maxTokens();

    /** Features of a hidden state. */
    int hiddenSize();

    /**
     * Whether a row may hold any number of sequences in training, in time and memory that grow with their tokens only, and
     * each computes what it would alone.
     */
    boolean joinsSequences();

    /** Whether the body's own dropout acts in training. */
    boolean dropsOut();

    /**
     * Adds a head for a task.
     *
     * @param name empty for the one head of a model, else the task's name; its weights are under {@code heads.NAME.}
     * @param outputs labels, or 1 for a number
     * @param random where new weights come from
     * @throws dev.espalier.error.InputException if this kind of model has no head for such tasks
     */
    Head addHead(String name, TaskKind kind, int outputs, Pooling pooling, RandomStream random);

    /**
     * Adds a head that compares texts with the texts of labels, or with each row's own candidates. It has no weights.
     *
     * @param pooling how hidden states become an embedding; the mean where it is the default
     * @param labels token ids of each label's text, with special tokens; empty where rows have candidates
     * @param padId the token id of the padding
     * @throws dev.espalier.error.InputException if this kind of model embeds no texts
     */
    Head addLabelEmbeddings(String name, Pooling pooling, LabelEmbeddings settings, List<int[]> labels, int padId);

    /** The heads by name. */
    Map<String, Head> heads();

    /**
     * The last hidden states of a batch, {@code [rows * tokens, hidden]}; {@code context} has the batch's layout, and may
     * {@linkplain ForwardContext#prefix know} what the first layers make of it.
     */
    Variable hidden(Batch batch, ForwardContext context);

    /**
     * How many of the first layers, the embeddings below them included, lie below whatever is adapted or trains: what they
     * make of a text stays the same until something else is attached. 0 where the first layer or an embedding is among it.
     */
    int frozenLayers();

    /**
     * What enters a layer, {@code [rows * tokens, hidden]}.
     *
     * @param layer from 0; the number of layers for what leaves the last
     */
    Variable entering(int layer, Batch batch, ForwardContext context);

    /** What {@code head} needs of a pass over a batch: the last hidden states, of the first tokens alone where they do. */
    default HeadInput headInput(Head head, Batch batch, ForwardContext context) {
        return new HeadInput(hidden(batch, context), context);
    }

    /** The logits of {@code head} for a batch; see {@link Head#forward} for their shape. */
    default Variable logits(Head head, Batch batch, ForwardContext context) {
        var input = headInput(head, batch, context);
        return head.forward(input.hidden(), input.context());
    }

    /** The loss of {@code head} for a batch; see {@link Head#loss}. */
    default Variable loss(Head head, TaskKind kind, Batch batch, double weight, ForwardContext context) {
        var input = headInput(head, batch, context);
        return context.tape()
                .in(Part.HEAD_AND_LOSS, () -> head.loss(kind, input.hidden(), batch, weight, input.context()));
    }

    /**
     * The loss of the first of two passes over a batch, whose answers are to agree; see
     * {@link Head#loss(TaskKind, HeadInput, HeadInput, Batch, double, double)}.
     *
     * @param consistency weight of how far they lie apart
     * @param second {@linkplain ForwardContext#again a second pass} of {@code first}
     */
    default Variable loss(
            Head head,
            TaskKind kind,
            Batch batch,
            double weight,
            double consistency,
            ForwardContext first,
            ForwardContext second) {
        var input = headInput(head, batch, first);
        var again = headInput(head, batch, second);
        return first.tape().in(Part.HEAD_AND_LOSS, () -> head.loss(kind, input, again, batch, weight, consistency));
    }

    /** Every linear of body and heads by its path, in forward order. */
    Map<String, Linear> linears();

    /** The embeddings that adapters may change, by path; none where the family's are read as one. */
    default Map<String, Embedding> embeddings() {
        return Map.of();
    }

    /** Every module that adapters may change, by its path, in forward order. */
    default Map<String, Adaptable<?>> adaptables() {
        var modules = new LinkedHashMap<String, Adaptable<?>>(embeddings());
        modules.putAll(linears());
        return modules;
    }

    /** Every module that an adapter may hold a trained copy of, by its path. */
    default Map<String, Copyable> copyables() {
        var modules = new LinkedHashMap<String, Copyable>(embeddings());
        modules.putAll(linears());
        return modules;
    }

    /** The adapters that act on the model now, by the names they are attached under. */
    default Set<String> adapters() {
        var names = new LinkedHashSet<String>();
        adaptables().values().forEach(module -> names.addAll(module.deltas().keySet()));
        copyables().values().forEach(module -> names.addAll(module.copies()));
        return names;
    }

    /** The ends of the paths of the linears that PEFT adapts by default: those that make queries and values. */
    List<String> usualTargets();

    /** The ends of the paths of the linears that make queries, keys and values. */
    List<String> attentionInputs();

    /** All weights by name: the body's, then the heads'. */
    Map<String, Parameter> parameters();

    /** The checkpoint's weights: which were used, left aside, or had to be made. */
    Weights weights();

    /** Frees the weights. */
    @Override
    void close();
}
