package dev.espalier.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import org.slf4j.LoggerFactory;

/** What is logged on standard error; {@code logback.xml} has the quiet form. */
final class Logging {
    private Logging() {}

    /** From now on debug messages too, with origin and stack traces. */
    static void verbose() {
        var context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.getLogger("dev.espalier").setLevel(Level.DEBUG);
        if (context.getLogger("ROOT").getAppender("stderr") instanceof ConsoleAppender<ILoggingEvent> console) {
            var encoder = new PatternLayoutEncoder();
            encoder.setContext(context);
            encoder.setPattern("%d{HH:mm:ss.SSS} %-5level %logger{0}: %msg%n%ex");
            encoder.start();
            console.setEncoder(encoder);
        }
    }
}
