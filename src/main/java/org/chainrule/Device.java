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
 * Where a model's parameters lie and its steps are computed. A model stays where it was made:
 * trainers, predictors and snapshots are on their model's device, and a file that was saved on one
 * device is loaded on any.
 */
public final class Device {
  private static final Device CPU = new Device("cpu", 0, -1, Precision.FLOAT32);

  /** All that have been opened, by number. */
  private static final Map<Integer, Device> OPENED = new ConcurrentSkipListMap<>(Map.of(0, CPU));

  private final String name;
  private final int number;
  private final int index; // of CUDA's devices, or -1
  private final Precision precision;

  private Device(String name, int number, int index, Precision precision) {
    this.name = name;
    this.number = number;
    this.index = index;
    this.precision = precision;
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
   * This CUDA device with matrix products whose algorithms are chosen by timing. It is a device
   * beside this one: what was made on this one stays as it is, and models made on the tuned one
   * have tuned plans.
   *
   * <p>By default cuBLASLt's heuristic chooses, and nothing is timed. Here up to 16 algorithms that
   * it proposes are timed for each shape, when a plan with that shape is made for the first time:
   * on memory of their own, several times in turns, with warm caches. That takes from some
   * hundredths of a second to some seconds a shape, and is most exact while nothing else runs on
   * the device. {@link Trainer#plan(int)} says for each product what its algorithm took, and what
   * the heuristic's would have taken.
   *
   * <p>The choices are kept in {@code file}, which is made if it is not there, and shapes that it
   * has are not timed again. So training repeats bit for bit as long as the file stays. Another
   * algorithm may round otherwise: bits are not those of the device that is not tuned. A file
   * belongs to one kind of device and one version of cuBLAS, and serves all precisions.
   *
   * @param file the path of the tuning file
   * @return the tuned device, opened once a process for each precision and path
   * @throws IllegalStateException if this is the processor, which has nothing to choose by timing
   * @throws ChainruleException if the file cannot be read or written, is damaged, or belongs to
   *     another device or cuBLAS; the message names the line, or both
   */
  public Device tuned(Path file) {
    Check.notNull(file, "tuned", "file");
    if (index < 0) {
      throw new IllegalStateException(
          "tuned: expected a CUDA device, but this is the processor, whose products are chosen by a"
              + " fixed rule");
    }
    return cuda(index, precision, file.toAbsolutePath().normalize().toString());
  }

  /**
   * What a {@link #tuned tuned} device has chosen so far, by this process and from its file.
   *
   * @return a line for each product: its shape, the time of its algorithm, and that of the one the
   *     heuristic would have taken; none if the device is not tuned
   */
  public List<String> tunedProducts() {
    Chainrule.load();
    return Native.tuned_products(number).lines().toList();
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
    return DeviceMemory.of(Native.device_memory(number));
  }

  /** All devices that this process has opened, the CPU first. */
  static Collection<Device> opened() {
    return OPENED.values();
  }

  /** What the core calls it. */
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
