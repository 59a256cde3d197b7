package org.chainrule;

/**
 * Thrown if something other than the caller's arguments failed: memory, a file, a non-finite loss
 * or the native library itself. The message names the operation, what was expected and what it got.
 * A wrong argument throws {@link IllegalArgumentException} instead, and a call on a closed object
 * throws {@link IllegalStateException}.
 */
public class ChainruleException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception with a message.
   *
   * @param message the operation, what was expected and what it got
   */
  public ChainruleException(String message) {
    super(message);
  }

  /**
   * Creates an exception with a message and a cause.
   *
   * @param message the operation, what was expected and what it got
   * @param cause the exception that caused this one
   */
  public ChainruleException(String message, Throwable cause) {
    super(message, cause);
  }
}
