package org.chainrule;

import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.chainrule.binding.Native.NativeColumnType;

/**
 * A range of native memory of one type. Copies into and out of it use neither JNI nor allocation.
 * This object does not own the memory: the code that allocated it must keep it alive.
 */
final class Memory {
  /** The type of the values. */
  enum Type {
    FLOAT(Float.BYTES, NativeColumnType.float32, "float values"),
    DOUBLE(Double.BYTES, NativeColumnType.float64, "double values"),
    LABEL(Integer.BYTES, NativeColumnType.label, "class indices (int)");

    final int bytes;
    final NativeColumnType column;
    final String description;

    Type(int bytes, NativeColumnType column, String description) {
      this.bytes = bytes;
      this.column = column;
      this.description = description;
    }

    static Type of(DataType type) {
      return type == DataType.DOUBLE ? DOUBLE : FLOAT;
    }
  }

  private final FloatBuffer floats;
  private final DoubleBuffer doubles;
  private final IntBuffer labels;

  private Memory(ByteBuffer bytes, Type type) {
    floats = type == Type.FLOAT ? bytes.asFloatBuffer() : null;
    doubles = type == Type.DOUBLE ? bytes.asDoubleBuffer() : null;
    labels = type == Type.LABEL ? bytes.asIntBuffer() : null;
  }

  /**
   * Returns the range of {@code count} values at {@code start + offset * type.bytes}. The caller
   * must have checked the size.
   */
  static Memory at(BytePointer start, long offset, int count, Type type) {
    BytePointer first = start.getPointer(offset * type.bytes);
    return new Memory(first.capacity((long) count * type.bytes).asByteBuffer(), type);
  }

  /** Returns the largest number of values of one type that a buffer can hold. */
  static int most(Type type) {
    return Integer.MAX_VALUE / type.bytes;
  }

  /**
   * Copies {@code count} values from a float[], double[], int[] or a buffer of these types, and
   * converts between float and double.
   *
   * @param operation the operation, for error messages
   * @param target the node or column that gets the values, for error messages
   * @throws IllegalArgumentException if a finite double is too large for a float
   */
  void put(String operation, Object target, Object source, int offset, int count) {
    if (labels != null) {
      putLabels(source, offset, count);
    } else if (source instanceof float[] array) {
      putFloats(array, offset, count);
    } else if (source instanceof double[] array) {
      putDoubles(operation, target, array, offset, count);
    } else if (floats != null && source instanceof FloatBuffer buffer) {
      floats.put(0, buffer, offset, count);
    } else if (doubles != null && source instanceof DoubleBuffer buffer) {
      doubles.put(0, buffer, offset, count);
    } else if (doubles != null) {
      FloatBuffer buffer = (FloatBuffer) source;
      for (int i = 0; i < count; ++i) {
        doubles.put(i, buffer.get(offset + i));
      }
    } else {
      DoubleBuffer buffer = (DoubleBuffer) source;
      for (int i = 0; i < count; ++i) {
        floats.put(i, toFloat(operation, target, buffer.get(offset + i), offset + i));
      }
    }
  }

  private void putLabels(Object source, int offset, int count) {
    if (source instanceof int[] array) {
      labels.put(0, array, offset, count);
    } else {
      labels.put(0, (IntBuffer) source, offset, count);
    }
  }

  private void putFloats(float[] array, int offset, int count) {
    if (floats != null) {
      floats.put(0, array, offset, count);
    } else {
      for (int i = 0; i < count; ++i) {
        doubles.put(i, array[offset + i]);
      }
    }
  }

  private void putDoubles(String operation, Object target, double[] array, int offset, int count) {
    if (doubles != null) {
      doubles.put(0, array, offset, count);
    } else {
      for (int i = 0; i < count; ++i) {
        floats.put(i, toFloat(operation, target, array[offset + i], offset + i));
      }
    }
  }

  private static float toFloat(String operation, Object target, double value, int index) {
    float rounded = (float) value;
    if (Float.isInfinite(rounded) && !Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          operation
              + ": expected values for "
              + target
              + " that fit into a float, but got "
              + value
              + " at index "
              + index
              + "; use a model of doubles or smaller numbers");
    }
    return rounded;
  }

  /** Copies the first {@code count} values to a float[] or double[]. */
  void get(Object target, int count) {
    if (target instanceof float[] array) {
      if (floats != null) {
        floats.get(0, array, 0, count);
      } else {
        for (int i = 0; i < count; ++i) {
          array[i] = (float) doubles.get(i);
        }
      }
    } else {
      double[] array = (double[]) target;
      if (doubles != null) {
        doubles.get(0, array, 0, count);
      } else {
        for (int i = 0; i < count; ++i) {
          array[i] = floats.get(i);
        }
      }
    }
  }
}
