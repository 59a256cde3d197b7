package org.chainrule.benchmarks.floor;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemv;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.chainrule.benchmarks.Network;

/** The matrix products of a network. Data is [sample][feature], weights are [out][in]. */
final class Products implements AutoCloseable {
  final int samples;
  final int[] layers;

  /** The weights of each layer, [out][in]. */
  final FloatPointer[] weights;

  /** The input and the output of each layer. */
  final FloatPointer[] values;

  Products(Network network) {
    samples = network.batchSize;
    layers = network.layers;
    weights = new FloatPointer[layers.length - 1];
    values = new FloatPointer[layers.length];
    values[0] = new FloatPointer(network.inputs);
    for (int i = 0; i < weights.length; ++i) {
      weights[i] = new FloatPointer(network.weights[i]);
      values[i + 1] = new FloatPointer((long) samples * layers[i + 1]);
    }
  }

  int depth() {
    return weights.length;
  }

  /** Computes Z = X Wᵀ for each layer, without bias and activation. */
  void forward() {
    for (int i = 0; i < weights.length; ++i) {
      int in = layers[i];
      int out = layers[i + 1];
      if (samples == 1) {
        cblas_sgemv(
            CblasRowMajor,
            CblasNoTrans,
            out,
            in,
            1,
            weights[i],
            in,
            values[i],
            1,
            0,
            values[i + 1],
            1);
      } else {
        cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasTrans,
            samples,
            out,
            in,
            1,
            values[i],
            in,
            weights[i],
            in,
            0,
            values[i + 1],
            out);
      }
    }
  }

  /** Computes dW = Dᵀ X. */
  void weightGradient(int layer, FloatPointer delta, FloatPointer gradient) {
    int in = layers[layer];
    int out = layers[layer + 1];
    cblas_sgemm(
        CblasRowMajor,
        CblasTrans,
        CblasNoTrans,
        out,
        in,
        samples,
        1,
        delta,
        out,
        values[layer],
        in,
        0,
        gradient,
        in);
  }

  /** Computes dX = D W. */
  void inputGradient(int layer, FloatPointer delta, FloatPointer result) {
    int in = layers[layer];
    int out = layers[layer + 1];
    cblas_sgemm(
        CblasRowMajor,
        CblasNoTrans,
        CblasNoTrans,
        samples,
        in,
        out,
        1,
        delta,
        out,
        weights[layer],
        in,
        0,
        result,
        in);
  }

  static void close(FloatPointer[] pointers) {
    for (Pointer pointer : pointers) {
      if (pointer != null) {
        pointer.close();
      }
    }
  }

  @Override
  public void close() {
    close(weights);
    close(values);
  }
}
