package dev.espalier.model;

import dev.espalier.data.Batch;
import dev.espalier.model.LabelEmbeddings.Embedder;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Scores labels, or each row's own candidates, by {@code cosine / temperature} of the text's embedding to theirs; see
 * {@link LabelEmbeddings}. It has no weights. Labels are embedded as in evaluation, in training too: they then come out
 * the same for every worker, however a batch is cut.
 */
final class LabelEmbeddingHead implements Head {
    /** As torch's {@code normalize} has it. */
    private static final double SMALLEST_NORM = 1e-12;

    /** The score of a place where a row with fewer candidates has none. */
    private static final double NEVER = -1e30;

    private final LanguageModel model;
    private final Pooling pooling;
    private final LabelEmbeddings settings;
    private final List<int[]> labels;
    private final int padId;
    private final @Nullable Tensor known;

    /**
     * @param pooling the mean where it is the default
     * @param labels token ids of each label's text; empty where rows have candidates
     */
    LabelEmbeddingHead(LanguageModel model, Pooling pooling, LabelEmbeddings settings, List<int[]> labels, int padId) {
        this(model, pooling == Pooling.DEFAULT ? Pooling.MEAN : pooling, settings, List.copyOf(labels), padId, null);
    }

    private LabelEmbeddingHead(
            LanguageModel model,
            Pooling pooling,
            LabelEmbeddings settings,
            List<int[]> labels,
            int padId,
            @Nullable Tensor known) {
        this.model = model;
        this.pooling = pooling;
        this.settings = settings;
        this.labels = labels;
        this.padId = padId;
        this.known = known;
    }

    /**
     * Texts to compare with.
     *
     * @param texts token ids
     * @param like for each a row of the batch, whose adapter embeds it
     * @param ofRow for each row its texts' places, in the order of its scores
     */
    @SuppressWarnings("ArrayRecordComponent") // read by index, never compared
    private record Compared(List<int[]> texts, int[] like, List<int[]> ofRow) {}

    /** The labels, once for each adapter that rows have. */
    private Compared labels(ForwardContext context) {
        var texts = new ArrayList<int[]>();
        var like = IntStream.builder();
        var first = context.firstWithSameAdapter();
        var starts = new int[first.length];
        for (int row = 0; row < first.length; row++) {
            starts[row] = first[row] == row ? texts.size() : starts[first[row]];
            if (first[row] == row) {
                int of = row;
                texts.addAll(labels);
                labels.forEach(label -> like.add(of));
            }
        }
        return new Compared(
                texts,
                like.build().toArray(),
                Arrays.stream(starts)
                        .mapToObj(start ->
                                IntStream.range(start, start + labels.size()).toArray())
                        .toList());
    }

    private static Compared candidates(List<List<int[]>> ofRows) {
        var texts = new ArrayList<int[]>();
        var like = IntStream.builder();
        var places = new ArrayList<int[]>();
        for (int row = 0; row < ofRows.size(); row++) {
            int of = row;
            int start = texts.size();
            texts.addAll(ofRows.get(row));
            ofRows.get(row).forEach(candidate -> like.add(of));
            places.add(IntStream.range(start, texts.size()).toArray());
        }
        return new Compared(texts, like.build().toArray(), places);
    }

    @Override
    public Variable forward(Variable hidden, ForwardContext context) {
        return scores(hidden, List.of(), context);
    }

    @Override
    public Variable logits(Variable hidden, Batch batch, ForwardContext context) {
        return scores(hidden, batch.candidates(), context);
    }

    @Override
    public int passes() {
        return settings.by() == Embedder.ADAPTED && known == null ? 2 : 1;
    }

    @Override
    public Head settled(int task, Owner owner) {
        if (labels.isEmpty()) {
            return this;
        }
        try (var scope = Scope.open()) {
            var batch = Batch.ofTexts(task, labels, padId);
            try (var context =
                    ForwardContext.evaluation(Tape.inference(), batch.layout()).tasks(batch.tasks())) {
                if (settings.by() == Embedder.BASE) {
                    context.adapters(Collections.nCopies(labels.size(), Optional.empty()));
                }
                var embedded = embedding(model.hidden(batch, context).value(), context);
                return new LabelEmbeddingHead(model, pooling, settings, labels, padId, owner.own(embedded));
            }
        }
    }

    /** {@code [rows, candidates]}, fp32. */
    private Variable scores(Variable hidden, List<List<int[]>> ofRows, ForwardContext context) {
        if (labels.isEmpty() == ofRows.isEmpty()) {
            throw new IllegalArgumentException(
                    labels.isEmpty()
                            ? "the rows have no candidates"
                            : "there are labels, but the rows have candidates");
        }
        var tape = context.tape();
        if (known != null) {
            return tape.autograd(List.of(hidden), List.of(), in -> torch.mm(embedding(in.get(0), context), known.t())
                    .div(new Scalar(settings.temperature())));
        }
        var compared = ofRows.isEmpty() ? labels(context) : candidates(ofRows);
        var batch = Batch.ofTexts(context.tasks()[0], compared.texts, padId);
        boolean adapted = settings.by() == Embedder.ADAPTED;
        var beside = context.beside(adapted ? tape : Tape.inference(), batch.layout(), compared.like);
        if (!adapted) {
            beside.adapters(Collections.nCopies(compared.texts.size(), Optional.empty()));
        }
        var others = model.hidden(batch, beside);
        return tape.autograd(List.of(hidden, others), List.of(), in -> cosines(
                        embedding(in.get(0), context), embedding(in.get(1), beside), compared.ofRow)
                .div(new Scalar(settings.temperature())));
    }

    /** {@code [rows, features]}, each row of length 1. */
    private Tensor embedding(Tensor hidden, ForwardContext context) {
        var pooled = pooling.pool(hidden, context);
        var squares = pooled.mul(pooled).sum(1).unsqueeze(1);
        return pooled.div(torch.clamp_min(squares, new Scalar(SMALLEST_NORM * SMALLEST_NORM))
                .sqrt());
    }

    /** Of each row with its own texts; where one has fewer than others, its last scores are {@link #NEVER}. */
    private static Tensor cosines(Tensor rows, Tensor texts, List<int[]> ofRow) {
        if (ofRow.stream().allMatch(places -> Arrays.equals(places, ofRow.get(0)))) {
            return torch.mm(rows, texts.t());
        }
        int most = ofRow.stream().mapToInt(places -> places.length).max().orElseThrow();
        var places = new long[ofRow.size() * most];
        var missing = new float[places.length];
        for (int row = 0; row < ofRow.size(); row++) {
            for (int i = 0; i < most; i++) {
                boolean there = i < ofRow.get(row).length;
                places[row * most + i] = there ? ofRow.get(row)[i] : 0;
                missing[row * most + i] = there ? 0 : 1;
            }
        }
        var own = torch.index_select(texts, 0, torch.tensor(places)).view(ofRow.size(), most, -1);
        var cosines = torch.bmm(own, rows.unsqueeze(2)).squeeze(2);
        return cosines.masked_fill(
                torch.tensor(missing).view(ofRow.size(), most).gt(new Scalar(0)), new Scalar(NEVER));
    }

    @Override
    public List<Linear> linears() {
        return List.of();
    }

    @Override
    public List<TrainedModule> trained() {
        return List.of();
    }
}
