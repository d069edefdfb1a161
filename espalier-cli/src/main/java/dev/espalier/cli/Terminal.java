package dev.espalier.cli;

/** Which standard streams are a terminal. A JVM cannot tell them apart, the launcher can. */
enum Terminal {
    INPUT("espalier.terminal.input"),
    ERROR("espalier.terminal.error");

    private final String property;

    Terminal(String property) {
        this.property = property;
    }

    /** What the launcher says; without it, whether there is a console. */
    boolean present() {
        var launcher = System.getProperty(property);
        return launcher == null ? System.console() != null : Boolean.parseBoolean(launcher);
    }
}
