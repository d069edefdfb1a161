package dev.espalier.data;

import dev.espalier.error.InputException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Properties;
import java.util.regex.Pattern;

/**
 * A database in memory that reads data files. It downloads no extension, and what does not fit into memory goes to the
 * system's folder for temporary files.
 */
final class DuckDb implements AutoCloseable {
    private static final Pattern CSV_ERROR = Pattern.compile(
            "CSV Error on Line: (\\d+).*?\\n((?:Expected Number|Value with|Maximum line)[^\\n]*)", Pattern.DOTALL);
    private static final Pattern ERROR = Pattern.compile("(?:\\w+ )+Error: (?!Attempting)([^\\n]*)");

    private final Connection connection;

    private DuckDb(Connection connection) {
        this.connection = connection;
    }

    /** Opens a database for which relative paths in queries start at {@code folder}. */
    static DuckDb open(Path folder) {
        var temporary = "espalier-duckdb-" + ProcessHandle.current().pid();
        var settings = new Properties();
        settings.setProperty("autoinstall_known_extensions", "false");
        settings.setProperty("autoload_known_extensions", "false");
        settings.setProperty(
                "temp_directory",
                Path.of(System.getProperty("java.io.tmpdir"), temporary).toString());
        settings.setProperty("file_search_path", folder.toAbsolutePath().toString());
        try {
            return new DuckDb(DriverManager.getConnection("jdbc:duckdb:", settings));
        } catch (SQLException e) {
            throw new IllegalStateException("DuckDB does not start: " + e.getMessage(), e);
        }
    }

    /** Takes the row at which a result stands. */
    @FunctionalInterface
    interface RowConsumer {
        void accept(ResultSet row) throws SQLException;
    }

    /**
     * Runs a query and hands each row over, in the order of the data.
     *
     * @param where the file or task that an error names
     * @throws InputException if the data or the query is wrong
     */
    void query(String sql, String where, RowConsumer rows) {
        try (var statement = connection.createStatement();
                var result = statement.executeQuery(sql)) {
            while (result.next()) {
                rows.accept(result);
            }
        } catch (SQLException e) {
            throw new InputException(explain(String.valueOf(e.getMessage()), where), e);
        }
    }

    static String quoteName(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    static String quoteText(String text) {
        return "'" + text.replace("'", "''") + "'";
    }

    /** A file's name as a query takes it, where {@code *}, {@code ?} and brackets would mean a pattern. */
    static String quoteFile(Path file) {
        return quoteText(file.toAbsolutePath().toString().replaceAll("[\\[*?]", "[$0]"));
    }

    /** DuckDB's messages run over many lines: the one that says what is wrong is kept. */
    private static String explain(String message, String where) {
        var csv = CSV_ERROR.matcher(message);
        if (csv.find()) {
            return where + ", line " + csv.group(1) + ": " + sentence(csv.group(2));
        }
        var error = ERROR.matcher(message);
        return where + ": "
                + sentence(
                        error.find()
                                ? error.group(1)
                                : message.lines().findFirst().orElse(""));
    }

    private static String sentence(String text) {
        var stripped = text.strip();
        return stripped.endsWith(".") || stripped.endsWith("!") ? stripped : stripped + ".";
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw new IllegalStateException("DuckDB does not close: " + e.getMessage(), e);
        }
    }
}
