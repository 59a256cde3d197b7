package org.chainrule;

import java.nio.LongBuffer;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.chainrule.binding.NativeInputs;

/**
 * The Java side of native inputs: makes the data of one caller available to the C++ core. Data in
 * native memory are read in place; arrays are copied once. Memory is allocated only if a batch is
 * larger than all earlier batches. A slot is the number of a data node in the native inputs.
 */
final class Inputs {
  /** A data node, and the native memory to which the arrays of its values are copied. */
  private static final class Slot {
    final Node node;
    final boolean needed;
    final Memory.Type type;
    final long width;
    Memory memory;
    long address;
    int samples;

    Slot(Node node, boolean needed, DataType type) {
      this.node = node;
      this.needed = needed;
      this.type = node.op() == Op.LABEL ? Memory.Type.LABEL : Memory.Type.of(type);
      this.width = node.op() == Op.LABEL ? 1 : node.features();
    }
  }

  private final NativeInputs handle;
  private final LongBuffer addresses;
  private final Slot[] slots;

  /**
   * Wraps the native inputs of a trainer or a workspace.
   *
   * @param data the data nodes of the model, in order
   */
  Inputs(NativeInputs handle, List<Node> data, DataType type) {
    this.handle = handle;
    addresses =
        data.isEmpty()
            ? LongBuffer.allocate(0)
            : handle.addresses().capacity(data.size()).asBuffer();
    slots = new Slot[data.size()];
    for (int i = 0; i < slots.length; ++i) {
      slots[i] = new Slot(data.get(i), handle.needed(i), type);
    }
  }

  /** Copies the values of a batch that are needed, or stores their addresses. */
  void fill(String operation, Batch batch) {
    for (int i = 0; i < slots.length; ++i) {
      Slot slot = slots[i];
      if (slot.needed) {
        Values values = batch.values(slot.node.name());
        check(operation, slot, batch, values);
        if (values.isPointer() || (values.address() != 0 && values.type() == slot.type)) {
          addresses.put(i, values.address());
        } else {
          values.copyTo(reserve(operation, i, batch.size()), operation, slot.node);
        }
      }
    }
  }

  /** Copies the samples of one array to the memory of a slot. */
  void fill(String operation, int slot, Object array, int samples) {
    Memory memory = reserve(operation, slot, samples);
    memory.put(operation, slots[slot].node, array, 0, (int) (samples * slots[slot].width));
  }

  /**
   * Discards all addresses of native memory, because the core has used the memory and may have
   * reallocated it.
   */
  void forget() {
    for (Slot slot : slots) {
      slot.samples = 0;
      slot.memory = null;
    }
  }

  private static void check(String operation, Slot slot, Batch batch, Values values) {
    if (values == null) {
      throw new IllegalArgumentException(
          operation
              + ": expected the batch to have values for "
              + slot.node
              + ", but got "
              + batch);
    }
    boolean isLabel = slot.type == Memory.Type.LABEL;
    boolean converts = values.type() != Memory.Type.LABEL && !isLabel && !values.isPointer();
    if (values.type() != slot.type && !converts) {
      throw new IllegalArgumentException(
          operation
              + ": expected "
              + slot.type.description
              + " for "
              + slot.node
              + ", but got "
              + values.type().description
              + (values.type() == Memory.Type.LABEL && !isLabel
                  ? "; pass a float[] or double[]"
                  : ""));
    }
    long expected = batch.size() * slot.width;
    if (values.length() != expected) {
      throw new IllegalArgumentException(
          operation
              + ": expected "
              + batch.size()
              + " x "
              + slot.width
              + " = "
              + expected
              + " values for "
              + slot.node
              + ", but got "
              + values.length()
              + " values");
    }
    if (values.isPointer() && values.address() == 0) {
      throw new IllegalArgumentException(
          operation + ": the pointer for " + slot.node + " is null or has been freed");
    }
  }

  /** Returns memory for a number of samples and stores its address for the core. */
  private Memory reserve(String operation, int index, int samples) {
    Slot slot = slots[index];
    if (slot.samples < samples) {
      if (samples * slot.width > Memory.most(slot.type)) {
        throw new IllegalArgumentException(
            operation
                + ": expected at most "
                + Memory.most(slot.type)
                + " values for "
                + slot.node
                + ", but "
                + samples
                + " samples give "
                + samples * slot.width
                + "; use smaller batches, or a pointer");
      }
      slot.samples = 0;
      BytePointer memory = handle.reserve(index, samples);
      slot.memory = Memory.at(memory, 0, (int) (samples * slot.width), slot.type);
      slot.address = memory.address();
      slot.samples = samples;
    }
    addresses.put(index, slot.address);
    return slot.memory;
  }
}
