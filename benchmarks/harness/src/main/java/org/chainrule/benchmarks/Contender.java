package org.chainrule.benchmarks;

/**
 * A library under test. It runs in a process of its own, which has only this library, JMH and these
 * interfaces on its class path, and is found through {@link java.util.ServiceLoader}.
 */
public interface Contender {
  /** The name in tables: torch. */
  String name();

  /** Version of the library, from the library itself where it can tell. */
  String version();

  /**
   * The BLAS that really computes, asked at run time where that can be: "MKL 2025.3", "OpenBLAS
   * 0.3.31".
   */
  String blas();

  /**
   * A training step with the data resident: forward, loss, backward, update.
   *
   * @param learningRate plain, the same for every library
   * @param threads how many threads the library may use
   * @throws UnsupportedOperationException if the library cannot train
   */
  Training train(Network network, Workload.Optimizer optimizer, float learningRate, int threads)
      throws Exception;

  /**
   * The network's output (logits or values) for `samples` samples at a time, from and to heap
   * arrays.
   *
   * @throws UnsupportedOperationException if this is not measured with the library
   */
  Inference infer(Network network, int samples, int threads) throws Exception;

  /** How often the library has allocated native memory so far, or -1 if it cannot tell. */
  default long nativeAllocations() {
    return -1;
  }

  /** A network being trained. */
  interface Training extends AutoCloseable {
    /** One whole step, finished when this returns. */
    void step();

    /** How many steps a call of {@link #step} makes, for libraries that loop by themselves. */
    default int stepsPerCall() {
      return 1;
    }

    /** The loss of the last step, before its update; NaN if it is not to be compared. */
    double loss();

    @Override
    void close();
  }

  /** A network that predicts. */
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
