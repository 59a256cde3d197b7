package org.chainrule;

/** The type of a model's numbers: its parameters, activations and gradients. */
public enum DataType {
  /** 32-bit IEEE 754 numbers: the default. */
  FLOAT(Float.BYTES),
  /** 64-bit IEEE 754 numbers: for checks of gradients, and where 24 bits are too few. */
  DOUBLE(Double.BYTES);

  private final int bytes;

  DataType(int bytes) {
    this.bytes = bytes;
  }

  /**
   * The size of one number.
   *
   * @return bytes
   */
  public int bytes() {
    return bytes;
  }
}
