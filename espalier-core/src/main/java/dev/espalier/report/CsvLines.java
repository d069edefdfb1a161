package dev.espalier.report;

import java.nio.charset.StandardCharsets;

/**
 * {@code metrics.csv}: a row for every single number, so that all kinds of records share the columns {@code kind},
 * {@code step}, {@code subject} (a task or module, or nothing), {@code metric} and {@code value}. Quoted as RFC 4180 has
 * it. Lists, such as the load of a router's experts, are in {@code metrics.jsonl} only.
 */
public final class CsvLines implements MetricsFormat {
    @Override
    public byte[] start() {
        return "kind,step,subject,metric,value\n".getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public byte[] bytes(MetricsRecord record) {
        var rows = new StringBuilder();
        record.numbers().forEach((metric, value) -> rows.append(record.kind())
                .append(',')
                .append(record.step())
                .append(',')
                .append(quoted(record.subject()))
                .append(',')
                .append(quoted(metric))
                .append(',')
                .append(value)
                .append('\n'));
        return rows.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** A cell as RFC 4180 has it. */
    static String quoted(String text) {
        boolean plain = text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return plain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }
}
