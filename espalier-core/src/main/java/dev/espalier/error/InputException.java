package dev.espalier.error;

/**
 * The caller's input is wrong: a file, a key, a value, a shape. The message is one sentence that says what is wrong,
 * where (file, row, key, tensor, both values) and what to do. The command line prints it without a stack trace and
 * exits with code 2; everything else that is thrown is a fault of ours and exits with code 1.
 */
public class InputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public InputException(String message) {
        super(message);
    }

    public InputException(String message, Throwable cause) {
        super(message, cause);
    }
}
