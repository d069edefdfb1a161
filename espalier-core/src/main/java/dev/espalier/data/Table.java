package dev.espalier.data;

import dev.espalier.error.InputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A data file or a query as rows of texts and lists of texts. Numbers and dates are read as the text that stands in the
 * file, so that a label {@code 1} or a text {@code 2024-01-02} stays what it is.
 */
final class Table {
    /** Turns the columns that are asked for, with the text type of each, into what a query selects from. */
    @FunctionalInterface
    private interface Source {
        String of(Map<String, String> columns);
    }

    private final DuckDb database;
    private final String where;
    private final Map<String, String> types;
    private final Source source;

    private Table(DuckDb database, String where, Map<String, String> types, Source source) {
        this.database = database;
        this.where = where;
        this.types = types;
        this.source = source;
    }

    /**
     * A data file; its name tells the format.
     *
     * @throws InputException if there is no such file, it is empty, of another format, or its text is not UTF-8
     */
    static Table file(DuckDb database, Path file) {
        if (!Files.isRegularFile(file)) {
            throw new InputException("No such data file: " + file + ".");
        }
        if (file.toFile().length() == 0) {
            throw new InputException(file + " is empty; it needs at least one row.");
        }
        var name = file.getFileName().toString().toLowerCase(Locale.ROOT).replaceAll("\\.gz$", "");
        switch (name.substring(name.lastIndexOf('.') + 1)) {
            case "jsonl", "ndjson":
                JsonLines.check(file); // says which line is wrong, which the database does not
                return json(database, file, ", format = 'newline_delimited'");
            case "json":
                return json(database, file, "");
            case "csv":
                return separated(database, file, ",");
            case "tsv":
                return separated(database, file, "\t");
            case "parquet":
                return query(database, file.toString(), "from read_parquet(" + DuckDb.quoteFile(file) + ")");
            default:
                throw new InputException(file + " has no format known by its name; use .jsonl, .json, .csv, .tsv or"
                        + " .parquet, or read it with sql.");
        }
    }

    /** The rows of a query, called {@code where} in messages. */
    static Table query(DuckDb database, String where, String sql) {
        var from = "(" + sql.strip().replaceAll(";$", "") + ")";
        var types = types(database, from, where);
        var unquoted = types.entrySet().stream()
                .filter(column -> column.getValue().equals("JSON"))
                .map(column -> DuckDb.quoteName(column.getKey()))
                .map(column -> "json_extract_string(%s, '$') as %s".formatted(column, column))
                .collect(Collectors.joining(", "));
        var texts = unquoted.isEmpty() ? from : "(select * replace (" + unquoted + ") from " + from + ")";
        return new Table(database, where, types, columns -> texts);
    }

    /** The file or task that messages name. */
    String where() {
        return where;
    }

    /** The names of the columns, in the order of the data. */
    List<String> columns() {
        return List.copyOf(types.keySet());
    }

    boolean holdsLists(String column) {
        return type(column).endsWith("[]");
    }

    boolean holdsFractions(String column) {
        return Pattern.matches("DOUBLE|FLOAT|DECIMAL.*", type(column));
    }

    /**
     * Reads these columns of every row.
     *
     * @param nested those whose cells are read as one JSON text, whatever they hold
     * @throws InputException if there is no row, or one cannot be read
     */
    void read(List<String> columns, Set<String> nested, Consumer<Row> rows) {
        var asked = new LinkedHashMap<String, String>();
        for (var column : columns) {
            boolean text = type(column).equals("VARCHAR");
            asked.put(column, nested.contains(column) && !text ? "json" : holdsLists(column) ? "varchar[]" : "varchar");
        }
        var selected = asked.entrySet().stream()
                .map(column -> Table.selected(DuckDb.quoteName(column.getKey()), column.getValue()))
                .collect(Collectors.joining(", "));
        var count = new AtomicLong();
        database.query("select " + selected + " from " + source.of(asked), where, result -> {
            var cells = new HashMap<String, @Nullable Object>();
            int place = 0;
            for (var column : asked.keySet()) {
                cells.put(column, cell(result, ++place));
            }
            rows.accept(new Row(new Origin(where, count.incrementAndGet()), cells));
        });
        if (count.get() == 0) {
            throw noRows(where);
        }
    }

    private static String selected(String column, String type) {
        return type.equals("json")
                ? "cast(to_json(" + column + ") as varchar)"
                : "cast(%s as %s)".formatted(column, type);
    }

    private static @Nullable Object cell(ResultSet result, int column) throws SQLException {
        var cell = result.getObject(column);
        return cell instanceof java.sql.Array list ? Arrays.asList((Object[]) list.getArray()) : cell;
    }

    private String type(String column) {
        return types.getOrDefault(column, "");
    }

    private static Map<String, String> types(DuckDb database, String from, String where) {
        var types = new LinkedHashMap<String, String>();
        database.query("describe from " + from, where, row -> types.put(row.getString(1), row.getString(2)));
        return types;
    }

    private static Table json(DuckDb database, Path file, String format) {
        Utf8.check(file);
        var where = file.toString();
        var options = DuckDb.quoteFile(file) + ", sample_size = -1" + format;
        var types = types(database, "read_json(" + options + ")", where);
        if (types.equals(Map.of("json", "JSON"))) { // what the database makes of a file without objects
            throw noRows(where);
        }
        return new Table(
                database, where, types, columns -> "read_json(" + options + ", columns = " + struct(columns) + ")");
    }

    /** The columns are given, not detected: else a row of another length would be taken for the header. */
    private static Table separated(DuckDb database, Path file, String separator) {
        Utf8.check(file);
        var where = file.toString();
        var types = new LinkedHashMap<String, String>();
        for (var cell : Utf8.firstLine(file).split(separator, -1)) {
            var text = cell.strip().replaceAll("^\"(.*)\"$", "$1");
            var name = text.isEmpty() ? "column " + (types.size() + 1) : text; // as of pandas' index
            if (types.put(name, "VARCHAR") != null) {
                throw new InputException(
                        where + " has two columns named '" + name + "'; rename one in its first line.");
            }
        }
        var rows = "read_csv(" + DuckDb.quoteFile(file) + ", auto_detect = false, header = true, quote = '\"',"
                + " escape = '\"', delim = '" + separator + "', columns = " + struct(types) + ")";
        return new Table(database, where, types, columns -> rows);
    }

    private static InputException noRows(String where) {
        return new InputException(where + " has no rows; give it at least one.");
    }

    private static String struct(Map<String, String> columns) {
        return columns.entrySet().stream()
                .map(column -> DuckDb.quoteText(column.getKey()) + ": '" + column.getValue() + "'")
                .collect(Collectors.joining(", ", "{", "}"));
    }
}
