package org.chainrule;

import org.chainrule.binding.NativeDeviceMemory;

/**
 * How much of a device's memory is held and free, in bytes.
 *
 * @param held the memory that the library holds now: native memory on the CPU, device memory on a
 *     GPU
 * @param peak the largest amount that the library has held at one time since the device was opened
 * @param free the memory that can still be allocated, unless other processes allocate it first. On
 *     a GPU this includes the pool of memory that the library keeps from closed objects
 * @param total the device's memory; on the CPU, the memory of the machine, or of its container if
 *     that is less
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
