package org.chainrule;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.chainrule.binding.Native;
import org.jspecify.annotations.Nullable;

/**
 * A device that stores a model's parameters and computes its steps. A model stays on the device on
 * which it was created. Its trainers, predictors and snapshots use the same device. A file that was
 * saved on one device can be loaded on any other.
 */
public final class Device {
  private static final Device CPU = new Device("cpu", 0, -1, Precision.FLOAT32);

  /** All opened devices by number. */
  private static final Map<Integer, Device> OPENED = new ConcurrentSkipListMap<>(Map.of(0, CPU));

  private final String name;
  private final int number;
  private final int index; // CUDA's device index, or -1 for the CPU
  private final Precision precision;

  private Device(String name, int number, int index, Precision precision) {
    this.name = name;
    this.number = number;
    this.index = index;
    this.precision = precision;
  }

  /**
   * Returns the CPU. It computes with the process's one team of threads ({@link
   * Chainrule#threads()}).
   *
   * @return the one CPU device
   */
  public static Device cpu() {
    return CPU;
  }

  /**
   * Returns a CUDA device that computes products with {@link Precision#FLOAT32}.
   *
   * @param index the device's number, from 0, among the devices that {@code CUDA_VISIBLE_DEVICES}
   *     makes visible
   * @return the device, which is opened once per process
   * @throws IllegalArgumentException if {@code index} is negative or there is no such device
   * @throws ChainruleException if no CUDA device can be used; the message names what is missing:
   *     the driver, CUDA's libraries or Chainrule's jar for GPUs
   */
  public static Device cuda(int index) {
    return cuda(index, Precision.FLOAT32);
  }

  /**
   * Returns a CUDA device. Chainrule's second native library and CUDA itself are loaded lazily, by
   * the first call.
   *
   * @param index the device's number, from 0, among the devices that {@code CUDA_VISIBLE_DEVICES}
   *     makes visible
   * @param precision how products of {@code float} numbers are computed
   * @return the device, which is opened once per process and precision
   * @throws IllegalArgumentException if {@code index} is negative or there is no such device
   * @throws ChainruleException if no CUDA device can be used; the message names what is missing:
   *     the driver, CUDA's libraries or Chainrule's jar for GPUs
   */
  public static Device cuda(int index, Precision precision) {
    Check.that(index >= 0, "cuda", "expected a device number of at least 0, but got ", index);
    Check.notNull(precision, "cuda", "precision");
    return cuda(index, precision, "");
  }

  private static Device cuda(int index, Precision precision, String tuning) {
    List<String> facts = new ArrayList<>();
    if (precision != Precision.FLOAT32) {
      facts.add(precision.name().toLowerCase(Locale.ROOT));
    }
    if (!tuning.isEmpty()) {
      facts.add("tuned");
    }
    String suffix = facts.isEmpty() ? "" : " (" + String.join(", ", facts) + ")";
    return OPENED.computeIfAbsent(
        Cuda.open(index, precision, tuning),
        number -> new Device("cuda:" + index + suffix, number, index, precision));
  }

  /**
   * Returns this CUDA device with matrix product algorithms that are selected by timing. The result
   * is a separate device: models that were created on this device do not change, and models that
   * are created on the tuned device have tuned plans.
   *
   * <p>By default cuBLASLt's heuristic selects the algorithm and nothing is timed. The tuned device
   * times up to 16 algorithms that the heuristic proposes, once per shape, when the first plan with
   * that shape is created. The algorithms run on separate memory, several times in turn, with warm
   * caches. This takes between some hundredths of a second and some seconds per shape. Other work
   * on the device at the same time makes the times less exact. For each product, {@link
   * Trainer#plan(int)} prints the time of the selected algorithm and the time of the heuristic's
   * choice.
   *
   * <p>The choices are stored in {@code file}, which is created if it does not exist. A shape that
   * is in the file is not timed again, so training repeats bit for bit as long as the file is kept.
   * Different algorithms may round differently, so the results can differ in some bits from the
   * results of the untuned device. A file belongs to one kind of device and one version of cuBLAS.
   * It is valid for all precisions.
   *
   * @param file the path of the tuning file
   * @return the tuned device, which is opened once per process, precision and path
   * @throws IllegalStateException if this is the CPU, which does not select algorithms by timing
   * @throws ChainruleException if the file cannot be read or written, is damaged, or belongs to
   *     another device or cuBLAS version; the message names the line or both versions
   */
  public Device tuned(Path file) {
    Check.notNull(file, "tuned", "file");
    if (index < 0) {
      throw new IllegalStateException(
          "tuned: expected a CUDA device, but got the CPU, which selects product algorithms by a"
              + " fixed rule");
    }
    return cuda(index, precision, file.toAbsolutePath().normalize().toString());
  }

  /**
   * Describes the algorithms that a {@link #tuned tuned} device has selected so far, in this
   * process or in its file.
   *
   * @return one line per product: its shape, the time of its algorithm and the time of the
   *     heuristic's choice; no lines if the device is not tuned
   */
  public List<String> tunedProducts() {
    Chainrule.load();
    return Native.tuned_products(number).lines().toList();
  }

  /**
   * Returns how many CUDA devices {@link #cuda(int)} can open. Returns 0 if a library or the driver
   * is missing; {@link Chainrule#diagnose()} names what is missing.
   *
   * @return 0 or more
   */
  public static int cudaCount() {
    return Cuda.count();
  }

  /**
   * Returns how much of the device's memory the library holds now, and how much is free.
   *
   * @return the amounts in bytes
   */
  public DeviceMemory memory() {
    Chainrule.load();
    return DeviceMemory.of(Native.device_memory(number));
  }

  /** Returns all devices that this process has opened, the CPU first. */
  static Collection<Device> opened() {
    return OPENED.values();
  }

  /** Returns the core's number for this device. */
  int number() {
    return number;
  }

  /** {@return whether the other is the same device, with the same precision and tuning} */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Device device && device.number == number;
  }

  @Override
  public int hashCode() {
    return number;
  }

  /** {@return {@code cpu}, {@code cuda:0}, {@code cuda:0 (tf32, tuned)} and so on} */
  @Override
  public String toString() {
    return name;
  }
}
