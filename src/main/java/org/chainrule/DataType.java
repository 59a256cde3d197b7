package org.chainrule;

/** The type of a model's numbers: its parameters, activations and gradients. */
public enum DataType {
  /** 32-bit IEEE 754 numbers, the default. */
  FLOAT(Float.BYTES),
  /**
   * 64-bit IEEE 754 numbers, for gradient checks and wherever a precision of 24 bits is too low.
   */
  DOUBLE(Double.BYTES);

  private final int bytes;

  DataType(int bytes) {
    this.bytes = bytes;
  }

  /**
   * Returns the size of one number in bytes.
   *
   * @return 4 or 8
   */
  public int bytes() {
    return bytes;
  }
}
