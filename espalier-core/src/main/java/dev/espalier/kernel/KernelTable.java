package dev.espalier.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Measured times of both kernels. A shape gets the kernel that was faster at the nearest measured one: of its dtype, device
 * and kind, with the smallest sum of distances in octaves. What is like nothing measured, or gives every token all experts,
 * is dense.
 */
public final class KernelTable implements KernelChoice {
    private static final String HEADER =
            "device,dtype,threads,shared_a,experts,rank,active,tokens,in,out,dense_us,gathered_us";

    /** The table of this release, which {@code espalier bench kernels} made. */
    public static final KernelTable RELEASED = released();

    private final List<Row> rows;

    /**
     * A measured shape.
     *
     * @param denseMicros of a forward and a backward pass, microseconds
     * @param gatheredMicros as well
     */
    public record Row(KernelShape shape, double denseMicros, double gatheredMicros) {
        /** The faster one. */
        public Kernel faster() {
            return gatheredMicros < denseMicros ? Kernel.GATHERED : Kernel.DENSE;
        }

        private double distance(KernelShape other) {
            return octaves(shape.experts(), other.experts())
                    + octaves(shape.rank(), other.rank())
                    + octaves(shape.active(), other.active())
                    + octaves(shape.tokens(), other.tokens())
                    + octaves(shape.in(), other.in())
                    + octaves(shape.out(), other.out())
                    + octaves(shape.threads(), other.threads());
        }

        private static double octaves(int a, int b) {
            return Math.abs(Math.log((double) a / b)) / Math.log(2);
        }

        private boolean isOfTheKind(KernelShape other) {
            return shape.sharedA() == other.sharedA()
                    && shape.dtype().equals(other.dtype())
                    && shape.device().equals(other.device());
        }
    }

    /** A table of {@code rows}. */
    public KernelTable(List<Row> rows) {
        this.rows = List.copyOf(rows);
    }

    private static KernelTable released() {
        try (var in = KernelTable.class.getResourceAsStream("kernels.csv")) {
            return parse(new String(Objects.requireNonNull(in, "kernels.csv").readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads what {@link #csv} gives. */
    static KernelTable parse(String csv) {
        return new KernelTable(
                csv.lines().skip(1).map(line -> row(line.split(",", -1))).toList());
    }

    private static Row row(String[] cells) {
        int column = 0;
        var device = cells[column++];
        var dtype = cells[column++];
        int threads = Integer.parseInt(cells[column++]);
        boolean shared = Boolean.parseBoolean(cells[column++]);
        int experts = Integer.parseInt(cells[column++]);
        int rank = Integer.parseInt(cells[column++]);
        int active = Integer.parseInt(cells[column++]);
        int tokens = Integer.parseInt(cells[column++]);
        int in = Integer.parseInt(cells[column++]);
        int out = Integer.parseInt(cells[column++]);
        return new Row(
                new KernelShape(experts, rank, active, shared, tokens, in, out, dtype, device, threads),
                Double.parseDouble(cells[column++]),
                Double.parseDouble(cells[column]));
    }

    /** The measured shapes. */
    public List<Row> rows() {
        return rows;
    }

    /** The table as a file with a header. */
    public String csv() {
        return rows.stream().map(KernelTable::line).collect(Collectors.joining("\n", HEADER + "\n", "\n"));
    }

    private static String line(Row row) {
        var s = row.shape();
        return String.format(
                Locale.ROOT,
                "%s,%s,%d,%b,%d,%d,%d,%d,%d,%d,%.0f,%.0f",
                s.device(),
                s.dtype(),
                s.threads(),
                s.sharedA(),
                s.experts(),
                s.rank(),
                s.active(),
                s.tokens(),
                s.in(),
                s.out(),
                row.denseMicros(),
                row.gatheredMicros());
    }

    @Override
    public Kernel of(KernelShape shape) {
        if (shape.active() >= shape.experts()) {
            return Kernel.DENSE;
        }
        return nearest(shape).map(Row::faster).orElse(Kernel.DENSE);
    }

    private Optional<Row> nearest(KernelShape shape) {
        Row nearest = null;
        double least = Double.POSITIVE_INFINITY;
        for (var row : rows) {
            double distance = row.isOfTheKind(shape) ? row.distance(shape) : Double.POSITIVE_INFINITY;
            if (distance < least) {
                least = distance;
                nearest = row;
            }
        }
        return Optional.ofNullable(nearest);
    }
}
