package org.chainrule.benchmarks;

/**
 * A library under test. It runs in a separate process, whose class path contains only this library,
 * JMH and this module. {@link java.util.ServiceLoader} finds it.
 */
public interface Contender {
  /** Returns the name in tables, such as "torch". */
  String name();

  /** Returns the version of the library, as the library itself reports it where possible. */
  String version();

  /**
   * Returns the BLAS that computes, determined at run time where possible, such as "MKL 2025.3" or
   * "OpenBLAS 0.3.31".
   */
  String blas();

  /**
   * Prepares training steps on resident data: forward pass, loss, backward pass and update.
   *
   * @param learningRate a constant learning rate, the same for every library
   * @param threads the number of threads that the library may use
   * @throws UnsupportedOperationException if the library cannot train
   */
  Training train(Network network, Workload.Optimizer optimizer, float learningRate, int threads)
      throws Exception;

  /**
   * Prepares predictions of the network's output (logits or values) for {@code samples} samples per
   * call, from and to arrays on the JVM's heap.
   *
   * @throws UnsupportedOperationException if predictions of this library are not measured
   */
  Inference infer(Network network, int samples, int threads) throws Exception;

  /** Returns the number of native allocations so far, or -1 if the library does not report it. */
  default long nativeAllocations() {
    return -1;
  }

  /** A network being trained. */
  interface Training extends AutoCloseable {
    /** Runs one whole step, which is finished when this returns. */
    void step();

    /** Returns the number of steps per call of {@link #step}, for libraries that run a loop. */
    default int stepsPerCall() {
      return 1;
    }

    /** Returns the loss of the last step before its update, or NaN if it must not be compared. */
    double loss();

    @Override
    void close();
  }

  /** A network that computes predictions. */
  interface Inference extends AutoCloseable {
    /**
     * @param inputs [sample][feature]
     * @param outputs [sample][output], overwritten
     */
    void predict(float[] inputs, float[] outputs);

    @Override
    void close();
  }
}
