package org.chainrule;

import org.chainrule.binding.Native.NativePrecision;

/**
 * How a CUDA device multiplies matrices of {@code float} numbers. Only the factors of products are
 * rounded. Parameters, gradients and the optimizer state stay {@code float}, and sums are computed
 * in {@code float}. Narrow layers that do not use the matrix library are computed entirely in
 * {@code float} ({@link Trainer#plan(int)} prints "tile kernel"). Products of {@code double}
 * numbers always have the precision of {@code double}.
 */
public enum Precision {
  /** Factors have 24 bits, as on the CPU. This is the default. */
  FLOAT32,
  /** The tensor cores round factors to 11 bits. */
  TF32,
  /** The tensor cores round factors to 8 bits (bfloat16). */
  BFLOAT16;

  NativePrecision toNative() {
    return switch (this) {
      case FLOAT32 -> NativePrecision.float32;
      case TF32 -> NativePrecision.tf32;
      case BFLOAT16 -> NativePrecision.bfloat16;
    };
  }
}
