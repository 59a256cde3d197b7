package org.chainrule;

/** Where a model's parameters lie and its products are computed. */
public final class Device {
  private static final Device CPU = new Device("cpu");

  private final String name;

  private Device(String name) {
    this.name = name;
  }

  /**
   * The processor, with the process's one team of threads ({@link Chainrule#threads()}).
   *
   * @return the one CPU device
   */
  public static Device cpu() {
    return CPU;
  }

  /**
   * A CUDA device.
   *
   * @param index the device's number, from 0
   * @return never: this build has no CUDA engine
   * @throws IllegalArgumentException if {@code index} is negative
   * @throws ChainruleException always otherwise
   */
  public static Device cuda(int index) {
    Check.that(index >= 0, "cuda", "the device's number must be 0 or more, but is ", index);
    throw new ChainruleException(
        "cuda: this build of Chainrule has no CUDA engine; use Device.cpu()");
  }

  @Override
  public String toString() {
    return name;
  }
}
