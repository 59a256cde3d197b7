package org.chainrule;

/**
 * Something outside the caller's arguments failed: memory, a file, a loss that is not finite, the
 * native library itself. The message is the native sentence: operation, what was expected, what
 * came. A wrong argument is an {@link IllegalArgumentException} and a call on a closed object an
 * {@link IllegalStateException} instead.
 */
public class ChainruleException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * An exception with this sentence.
   *
   * @param message operation, what was expected, what came
   */
  public ChainruleException(String message) {
    super(message);
  }

  /**
   * An exception with this sentence and its cause.
   *
   * @param message operation, what was expected, what came
   * @param cause what was thrown below
   */
  public ChainruleException(String message, Throwable cause) {
    super(message, cause);
  }
}
