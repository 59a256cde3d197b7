package org.chainrule;

import java.nio.Buffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The values that a caller passed to a batch for one data node: an array, a buffer or a pointer.
 * They can be replaced any number of times.
 */
final class Values {
  /**
   * Returns the address of a direct buffer, which JavaCPP provides only to subclasses of Pointer.
   */
  private static final class Address extends Pointer {
    static long of(Buffer buffer) {
      return getDirectBufferAddress(buffer);
    }
  }

  private Object source;
  private Memory.Type type;
  private int offset;
  private int length;
  private long address;

  void array(Object array, Memory.Type type, int length) {
    set(array, type, 0, length);
  }

  void buffer(FloatBuffer buffer) {
    buffer(buffer, Memory.Type.FLOAT, buffer.order());
  }

  void buffer(DoubleBuffer buffer) {
    buffer(buffer, Memory.Type.DOUBLE, buffer.order());
  }

  void buffer(IntBuffer buffer) {
    buffer(buffer, Memory.Type.LABEL, buffer.order());
  }

  private void buffer(Buffer buffer, Memory.Type type, ByteOrder order) {
    if (buffer.hasArray()) {
      set(buffer.array(), type, buffer.arrayOffset() + buffer.position(), buffer.remaining());
      return;
    }
    set(buffer, type, buffer.position(), buffer.remaining());
    if (buffer.isDirect() && order == ByteOrder.nativeOrder()) {
      long start = Address.of(buffer) + (long) buffer.position() * type.bytes;
      // A view of a byte buffer may start at an unaligned address.
      address = start % type.bytes == 0 ? start : 0;
    }
  }

  void pointer(Pointer pointer) {
    Memory.Type type =
        pointer instanceof FloatPointer
            ? Memory.Type.FLOAT
            : pointer instanceof DoublePointer
                ? Memory.Type.DOUBLE
                : pointer instanceof IntPointer ? Memory.Type.LABEL : null;
    Check.that(
        type != null,
        "set",
        "expected a FloatPointer, DoublePointer or IntPointer, but got a ",
        pointer.getClass().getSimpleName());
    set(pointer, type, 0, 0);
  }

  private void set(Object source, Memory.Type type, int offset, int length) {
    this.source = source;
    this.type = type;
    this.offset = offset;
    this.length = length;
    this.address = 0;
  }

  Memory.Type type() {
    return type;
  }

  boolean isPointer() {
    return source instanceof Pointer;
  }

  /** Returns the number of values. For a pointer, the number may change between calls. */
  long length() {
    if (source instanceof Pointer pointer) {
      return pointer.limit() - pointer.position();
    }
    return length;
  }

  /**
   * Returns the address of the values if they are in native memory in native byte order, otherwise
   * 0.
   */
  long address() {
    if (source instanceof Pointer pointer) {
      return pointer.isNull() ? 0 : pointer.address() + pointer.position() * type.bytes;
    }
    return address;
  }

  /** Copies the values. The operation and the node are for error messages. */
  void copyTo(Memory memory, String operation, Node node) {
    memory.put(operation, node, source, offset, length);
  }
}
