package dev.espalier.tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Where the tokens of sequences lie in a matrix of {@code [rows * tokens, features]}. A row holds one sequence, padded at
 * its right or left, or several that were packed into it; what no segment covers is padding. Attention, positions, random
 * draws and everything that is counted per sequence go by segment, so that a sequence computes what it would alone.
 *
 * @param rows of the matrix
 * @param tokens of every row, padding included
 * @param segments the sequences, by row and start
 */
public record Layout(int rows, int tokens, List<Segment> segments) {
    /** A sequence's place. */
    public record Segment(int row, int start, int length) {}

    public Layout {
        segments = List.copyOf(segments);
        int row = -1;
        int end = 0;
        for (var segment : segments) {
            if (segment.row != row) {
                row = segment.row;
                end = 0;
            }
            if (segment.length < 1 || segment.start < end || row >= rows || segment.start + segment.length > tokens) {
                throw new IllegalArgumentException(
                        segment + " does not fit into " + rows + " rows of " + tokens + " tokens after " + end);
            }
            end = segment.start + segment.length;
        }
    }

    /** One sequence a row, each from the row's start on. */
    public static Layout rightPadded(int tokens, int... lengths) {
        return padded(tokens, lengths, false);
    }

    /** One sequence a row, each up to the row's end. */
    public static Layout leftPadded(int tokens, int... lengths) {
        return padded(tokens, lengths, true);
    }

    private static Layout padded(int tokens, int[] lengths, boolean left) {
        var segments = new ArrayList<Segment>();
        for (int row = 0; row < lengths.length; row++) {
            segments.add(new Segment(row, left ? tokens - lengths[row] : 0, lengths[row]));
        }
        return new Layout(lengths.length, tokens, segments);
    }

    /** Sequences one after another in one row, without padding. */
    public static Layout joined(int... lengths) {
        var segments = new ArrayList<Segment>();
        int start = 0;
        for (int length : lengths) {
            segments.add(new Segment(0, start, length));
            start += length;
        }
        return new Layout(1, start, segments);
    }

    /** Where a segment's first token lies among all {@code rows * tokens}. */
    public int first(Segment segment) {
        return segment.row * tokens + segment.start;
    }

    /** The places of every segment's first token, {@code [segments]}. */
    public long[] firsts() {
        return segments.stream().mapToLong(this::first).toArray();
    }

    /** Every segment's length, {@code [segments]}. */
    public int[] lengths() {
        return segments.stream().mapToInt(Segment::length).toArray();
    }

    /** Tokens that are not padding. */
    public int tokenCount() {
        return Arrays.stream(lengths()).sum();
    }

    /** The longest segment. */
    public int longest() {
        return Arrays.stream(lengths()).max().orElse(0);
    }

    /** Whether no token is padding. */
    public boolean filled() {
        return tokenCount() == rows * tokens;
    }

    /** Whether every row is one sequence without padding. */
    public boolean unpadded() {
        return segments.size() == rows && segments.stream().allMatch(segment -> segment.length == tokens);
    }

    /** Whether every row holds one sequence. */
    public boolean unpacked() {
        return segments.size() == rows
                && segments.stream().mapToInt(Segment::row).distinct().count() == rows;
    }

    /** Each token's segment, -1 for padding, {@code [rows * tokens]}. */
    public int[] segmentOfToken() {
        var segmentOf = new int[rows * tokens];
        Arrays.fill(segmentOf, -1);
        for (int i = 0; i < segments.size(); i++) {
            int first = first(segments.get(i));
            Arrays.fill(segmentOf, first, first + segments.get(i).length, i);
        }
        return segmentOf;
    }

    /** Each token's place in its sequence, from 0; 0 for padding, {@code [rows * tokens]}. */
    public int[] positions() {
        var positions = new int[rows * tokens];
        for (var segment : segments) {
            int first = first(segment);
            for (int i = 0; i < segment.length; i++) {
                positions[first + i] = i;
            }
        }
        return positions;
    }

    /** The places of the tokens of some segments, segment after segment. */
    public long[] places(int... chosen) {
        return Arrays.stream(chosen)
                .mapToObj(segments::get)
                .flatMapToLong(segment -> LongStream.range(first(segment), (long) first(segment) + segment.length))
                .toArray();
    }

    /** Some of the segments packed into one row without padding: the layout of {@link #places}. */
    public Layout packed(int... chosen) {
        return joined(Arrays.stream(chosen).map(i -> segments.get(i).length).toArray());
    }
}
