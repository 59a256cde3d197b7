package org.chainrule;

import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.chainrule.binding.Native;

/**
 * Where a model's parameters lie and its steps are computed. A model stays where it was made:
 * trainers, predictors and snapshots are on their model's device, and a file that was saved on one
 * device is loaded on any.
 */
public final class Device {
  private static final Device CPU = new Device("cpu", 0);

  /** All that have been opened, by number. */
  private static final Map<Integer, Device> OPENED = new ConcurrentSkipListMap<>(Map.of(0, CPU));

  private final String name;
  private final int number;

  private Device(String name, int number) {
    this.name = name;
    this.number = number;
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
   * A CUDA device whose products are computed with {@link Precision#FLOAT32}.
   *
   * @param index the device's number, from 0, as {@code CUDA_VISIBLE_DEVICES} leaves them
   * @return the device, opened once a process
   * @throws IllegalArgumentException if {@code index} is negative, or there are fewer devices
   * @throws ChainruleException if no CUDA device can be used here; the message says what is
   *     missing: the driver, CUDA's libraries or Chainrule's jar for GPUs
   */
  public static Device cuda(int index) {
    return cuda(index, Precision.FLOAT32);
  }

  /**
   * A CUDA device. The first call loads Chainrule's second native library and CUDA itself; nothing
   * before does.
   *
   * @param index the device's number, from 0, as {@code CUDA_VISIBLE_DEVICES} leaves them
   * @param precision how products of {@code float} numbers are computed
   * @return the device, opened once a process for each precision
   * @throws IllegalArgumentException if {@code index} is negative, or there are fewer devices
   * @throws ChainruleException if no CUDA device can be used here; the message says what is
   *     missing: the driver, CUDA's libraries or Chainrule's jar for GPUs
   */
  public static Device cuda(int index, Precision precision) {
    Check.that(index >= 0, "cuda", "the device's number must be 0 or more, but is ", index);
    Check.notNull(precision, "cuda", "precision");
    String suffix =
        precision == Precision.FLOAT32
            ? ""
            : " (" + precision.name().toLowerCase(Locale.ROOT) + ")";
    return OPENED.computeIfAbsent(
        Cuda.open(index, precision), number -> new Device("cuda:" + index + suffix, number));
  }

  /**
   * How many CUDA devices {@link #cuda(int)} can open. Where there is something missing, that is
   * none, and {@link Chainrule#diagnose()} says what.
   *
   * @return 0 or more
   */
  public static int cudaCount() {
    return Cuda.count();
  }

  /**
   * How much of the device's memory the library holds, and how much is free.
   *
   * @return bytes, as they are now
   */
  public DeviceMemory memory() {
    Chainrule.load();
    long[] bytes = new long[DeviceMemory.PARTS];
    Native.device_memory(number, bytes, bytes.length);
    return DeviceMemory.of(bytes);
  }

  /** All devices that this process has opened, the CPU first. */
  static Collection<Device> opened() {
    return OPENED.values();
  }

  /** What the core calls it. */
  int number() {
    return number;
  }

  /** {@return whether the other is the same device with the same precision} */
  @Override
  public boolean equals(Object other) {
    return other instanceof Device device && device.number == number;
  }

  @Override
  public int hashCode() {
    return number;
  }

  /** {@return {@code cpu}, {@code cuda:0}, {@code cuda:0 (tf32)} and so on} */
  @Override
  public String toString() {
    return name;
  }
}
