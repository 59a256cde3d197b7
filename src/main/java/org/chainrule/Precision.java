package org.chainrule;

import org.chainrule.binding.Native.NativePrecision;

/**
 * How a CUDA device multiplies matrices of {@code float} numbers. Parameters, gradients, the
 * optimizer's state and everything but the factors of products stay {@code float}, and sums are of
 * {@code float}. Layers so narrow that they need no matrix library are computed in {@code float}
 * throughout ({@link Trainer#plan(int)} says "tile kernel"). Products of {@code double} numbers are
 * always exact to {@code double}.
 */
public enum Precision {
  /** Factors of 24 bits, as on the CPU: the default. */
  FLOAT32,
  /** Factors rounded to 11 bits in the tensor cores. */
  TF32,
  /** Factors rounded to 8 bits (bfloat16) in the tensor cores. */
  BFLOAT16;

  NativePrecision toNative() {
    return switch (this) {
      case FLOAT32 -> NativePrecision.float32;
      case TF32 -> NativePrecision.tf32;
      case BFLOAT16 -> NativePrecision.bfloat16;
    };
  }
}
