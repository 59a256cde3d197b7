package org.chainrule;

import org.chainrule.binding.NativeDeviceMemory;

/**
 * How much of a device's memory is whose, in bytes.
 *
 * @param held what the library holds there now: on the CPU its native memory, on a GPU the memory
 *     of the device
 * @param peak the most that it has held at a time, since the device was opened
 * @param free what can still be had, other processes permitting. On a GPU that includes what the
 *     library keeps of closed objects for the next ones
 * @param total what the device has; on the CPU the machine, or its container if that has less
 */
public record DeviceMemory(long held, long peak, long free, long total) {
  static DeviceMemory of(NativeDeviceMemory memory) {
    return new DeviceMemory(memory.held(), memory.peak(), memory.available(), memory.total());
  }

  /** {@return one line} */
  @Override
  public String toString() {
    return String.format("%,d bytes held, %,d at most; %,d of %,d free", held, peak, free, total);
  }
}
