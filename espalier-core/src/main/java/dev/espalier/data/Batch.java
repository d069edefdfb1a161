package dev.espalier.data;

import dev.espalier.tensor.Layout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Examples of one task as rows of tokens, all arrays row by row.
 *
 * @param task the task's place in the run
 * @param layout where the examples lie: one a row, or several packed into one
 * @param inputIds token ids, {@code [rows, tokens]}
 * @param tokenTypeIds token type ids, 0 in the padding, {@code [rows, tokens]}
 * @param labels a label per row {@code [rows]}, or per token {@code [rows, tokens]} with {@link #IGNORED} where none is
 *     asked; else empty
 * @param values 0 or 1 per label {@code [rows, labels]}, or a number per row {@code [rows]}; else empty
 * @param exampleIds each segment's place in its split, {@code [segments]}
 * @param labelCount the number of answers asked: rows, or tokens with a label; the weight of this batch in a mean loss
 * @param candidates the token ids of each row's candidates, {@code [rows][candidates][tokens]}, where rows have their own;
 *     else empty
 * @param leastTokens that the rows of its parts keep, of padding if need be; 0 where padding is of no use
 */
@SuppressWarnings("ArrayRecordComponent") // copied into native memory, never compared
public record Batch(
        int task,
        Layout layout,
        long[] inputIds,
        long[] tokenTypeIds,
        int[] labels,
        float[] values,
        long[] exampleIds,
        int labelCount,
        List<List<int[]>> candidates,
        int leastTokens) {
    public Batch {
        candidates = List.copyOf(candidates);
    }

    /** A batch whose rows have no candidates of their own. */
    public Batch(
            int task,
            Layout layout,
            long[] inputIds,
            long[] tokenTypeIds,
            int[] labels,
            float[] values,
            long[] exampleIds,
            int labelCount) {
        this(task, layout, inputIds, tokenTypeIds, labels, values, exampleIds, labelCount, List.of(), 0);
    }

    /**
     * Texts alone, padded at the right to the longest.
     *
     * @param task the task's place in the run
     * @param texts at least one, as token ids with special tokens
     * @param padId the token id of the padding
     */
    public static Batch ofTexts(int task, List<int[]> texts, int padId) {
        var none = new int[0];
        return of(
                IntStream.range(0, texts.size())
                        .mapToObj(i -> new EncodedExample(
                                task, i, texts.get(i), new int[texts.get(i).length], none, new float[0]))
                        .toList(),
                padId);
    }

    /** How many times as many tokens rows may have, with their padding: attention is faster with a row for each sequence. */
    private static final double ROWS_ARE_WORTH = 1.06;

    /** The label of a token that is not asked, as in PyTorch's cross entropy. */
    public static final int IGNORED = -100;

    public int rows() {
        return layout.rows();
    }

    /** The task of each segment. */
    public int[] tasks() {
        var tasks = new int[layout.segments().size()];
        Arrays.fill(tasks, task);
        return tasks;
    }

    /** Tokens of every row, padding included. */
    public int tokens() {
        return layout.tokens();
    }

    /**
     * Pads examples to one batch, at the right, to the longest.
     *
     * @param examples at least one, all of one task and with targets of one kind
     * @param padId the token id of the padding
     */
    public static Batch of(List<EncodedExample> examples, int padId) {
        return of(examples, padId, 0);
    }

    /**
     * As the other.
     *
     * @param leastTokens that every row keeps with its padding, or as many as the longest has; 0 where padding may go
     */
    static Batch of(List<EncodedExample> examples, int padId, int leastTokens) {
        int rows = examples.size();
        int longest = examples.stream().mapToInt(EncodedExample::length).max().orElseThrow();
        int tokens = Math.max(longest, leastTokens);
        boolean perToken = examples.stream().allMatch(e -> e.labels().length == e.length());
        var inputIds = new long[rows * tokens];
        var typeIds = new long[rows * tokens];
        var labels = new int[perToken ? rows * tokens : rows * examples.get(0).labels().length];
        var values = new float[rows * examples.get(0).values().length];
        Arrays.fill(inputIds, padId);
        Arrays.fill(labels, IGNORED);
        for (int row = 0; row < rows; row++) {
            var example = examples.get(row);
            for (int token = 0; token < example.length(); token++) {
                inputIds[row * tokens + token] = example.ids()[token];
                typeIds[row * tokens + token] = example.typeIds()[token];
            }
            int width = perToken ? tokens : example.labels().length;
            System.arraycopy(example.labels(), 0, labels, row * width, example.labels().length);
            System.arraycopy(example.values(), 0, values, row * example.values().length, example.values().length);
        }
        return new Batch(
                examples.get(0).task(),
                Layout.rightPadded(
                        tokens,
                        examples.stream().mapToInt(EncodedExample::length).toArray()),
                inputIds,
                typeIds,
                labels,
                values,
                examples.stream().mapToLong(EncodedExample::id).toArray(),
                answers(labels, values, rows),
                examples.get(0).candidates().isEmpty()
                        ? List.of()
                        : examples.stream().map(EncodedExample::candidates).toList(),
                leastTokens == 0 ? 0 : tokens);
    }

    /**
     * Packs examples with a label per token into rows, each a segment of its own, one after another from the row's start
     * on.
     *
     * @param packed the examples of each row, all of one task
     * @param padId the token id of the padding
     */
    public static Batch packed(List<List<EncodedExample>> packed, int padId) {
        return packed(packed, padId, 0);
    }

    /**
     * As the other.
     *
     * @param leastTokens that every row keeps with its padding, or as many as the longest has; 0 where padding may go
     */
    static Batch packed(List<List<EncodedExample>> packed, int padId, int leastTokens) {
        int rows = packed.size();
        int longest = packed.stream().mapToInt(Packing::length).max().orElseThrow();
        int tokens = Math.max(longest, leastTokens);
        var inputIds = new long[rows * tokens];
        var labels = new int[rows * tokens];
        Arrays.fill(inputIds, padId);
        Arrays.fill(labels, IGNORED);
        var segments = new ArrayList<Layout.Segment>();
        for (int row = 0; row < rows; row++) {
            int start = 0;
            for (var example : packed.get(row)) {
                segments.add(new Layout.Segment(row, start, example.length()));
                for (int token = 0; token < example.length(); token++) {
                    inputIds[row * tokens + start + token] = example.ids()[token];
                    labels[row * tokens + start + token] = example.labels()[token];
                }
                start += example.length();
            }
        }
        return new Batch(
                packed.get(0).get(0).task(),
                new Layout(rows, tokens, segments),
                inputIds,
                new long[rows * tokens],
                labels,
                new float[0],
                packed.stream()
                        .flatMap(List::stream)
                        .mapToLong(EncodedExample::id)
                        .toArray(),
                answers(labels, new float[0], rows),
                List.of(),
                leastTokens == 0 ? 0 : tokens);
    }

    /**
     * Splits the rows into parts for workers side by side or gradient accumulation. Rows of like lengths stand together,
     * each part is padded to its own longest only, and the cuts make the largest part (rows times longest) as small as
     * can be. The parts' {@link #labelCount()} add up to this batch's.
     *
     * @param parts the number of parts at most; there are fewer if more would not make the largest part smaller
     */
    public List<Batch> split(int parts) {
        var ends = ends();
        var order = IntStream.range(0, rows())
                .boxed()
                .sorted(Comparator.comparingInt(row -> -ends[row]))
                .mapToInt(Integer::intValue)
                .toArray();
        int low = tokens();
        int high = rows() * tokens();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (cuts(order, ends, middle).size() <= parts) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return cuts(order, ends, low).stream()
                .map(rows -> rows(rows, ends[rows[0]]))
                .toList();
    }

    /**
     * As {@link #split}, for a model that tells the sequences of a row apart: those of a part follow one another in a single
     * row, so that there is no padding, and parts have like numbers of tokens. A batch that is to keep its padding, one
     * without a label per token, and one whose largest part would hardly be smaller, is split by rows: rows of one length are
     * computed faster.
     */
    public List<Batch> join(int parts) {
        var byRows = split(parts);
        if (leastTokens > 0 || labels.length != rows() * tokens()) {
            return byRows;
        }
        var joined = joined(parts);
        return largest(byRows) <= ROWS_ARE_WORTH * largest(joined) ? byRows : joined;
    }

    private static int largest(List<Batch> parts) {
        return parts.stream()
                .mapToInt(part -> part.rows() * part.tokens())
                .max()
                .orElseThrow();
    }

    private List<Batch> joined(int parts) {
        var lengths = layout.lengths();
        return Arrays.stream(Balance.of(lengths, Math.min(parts, lengths.length)))
                .map(this::oneRow)
                .toList();
    }

    /** Some of the sequences, one after another. */
    private Batch oneRow(int... chosen) {
        var places = layout.places(chosen);
        var partLabels = Arrays.stream(places)
                .mapToInt(place -> labels[Math.toIntExact(place)])
                .toArray();
        return new Batch(
                task,
                layout.packed(chosen),
                at(inputIds, places),
                at(tokenTypeIds, places),
                partLabels,
                values,
                Arrays.stream(chosen).mapToLong(segment -> exampleIds[segment]).toArray(),
                answers(partLabels, values, 1));
    }

    private static long[] at(long[] values, long[] places) {
        return Arrays.stream(places)
                .map(place -> values[Math.toIntExact(place)])
                .toArray();
    }

    /** Groups rows, longest first, so that no group has more than {@code most} padded tokens. */
    private static List<int[]> cuts(int[] order, int[] ends, int most) {
        var groups = new ArrayList<int[]>();
        for (int start = 0; start < order.length; ) {
            int end = Math.min(order.length, start + Math.max(1, most / ends[order[start]]));
            groups.add(Arrays.copyOfRange(order, start, end));
            start = end;
        }
        return groups;
    }

    /**
     * Some of the rows, cut after the last token that one of them has.
     *
     * @param chosen places of rows, at least one
     */
    public Batch rows(int... chosen) {
        var ends = ends();
        return rows(chosen, Arrays.stream(chosen).map(row -> ends[row]).max().orElseThrow());
    }

    /** Where each row may be cut: where its last sequence ends, or after its least tokens. */
    private int[] ends() {
        var ends = new int[rows()];
        layout.segments().forEach(segment -> ends[segment.row()] = segment.start() + segment.length());
        return Arrays.stream(ends).map(end -> Math.max(end, leastTokens)).toArray();
    }

    /** Some of the rows, cut after {@code longest} tokens. */
    private Batch rows(int[] chosen, int longest) {
        boolean perToken = labels.length == rows() * tokens();
        int labelWidth = labels.length / rows();
        int valueWidth = values.length / rows();
        int keptLabels = perToken ? longest : labelWidth;
        var partIds = new long[chosen.length * longest];
        var partTypes = new long[chosen.length * longest];
        var partLabels = new int[chosen.length * keptLabels];
        var partValues = new float[chosen.length * valueWidth];
        var segments = new ArrayList<Layout.Segment>();
        var examples = LongStream.builder();
        for (int to = 0; to < chosen.length; to++) {
            int from = chosen[to];
            System.arraycopy(inputIds, from * tokens(), partIds, to * longest, longest);
            System.arraycopy(tokenTypeIds, from * tokens(), partTypes, to * longest, longest);
            System.arraycopy(labels, from * labelWidth, partLabels, to * keptLabels, keptLabels);
            System.arraycopy(values, from * valueWidth, partValues, to * valueWidth, valueWidth);
            for (int i = 0; i < exampleIds.length; i++) {
                var segment = layout.segments().get(i);
                if (segment.row() == from) {
                    segments.add(new Layout.Segment(to, segment.start(), segment.length()));
                    examples.add(exampleIds[i]);
                }
            }
        }
        return new Batch(
                task,
                new Layout(chosen.length, longest, segments),
                partIds,
                partTypes,
                partLabels,
                partValues,
                examples.build().toArray(),
                answers(partLabels, partValues, chosen.length),
                candidates.isEmpty()
                        ? List.of()
                        : Arrays.stream(chosen).mapToObj(candidates::get).toList(),
                leastTokens);
    }

    private static int answers(int[] labels, float[] values, int rows) {
        return values.length > 0
                ? rows
                : (int) Arrays.stream(labels).filter(label -> label != IGNORED).count();
    }
}
