package org.chainrule.benchmarks.tensorflow;

import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;
import org.tensorflow.TensorFlow;

/**
 * TensorFlow Java in graph mode. See {@link TensorflowTraining} and {@link TensorflowInference}. A
 * small step runs in the calling thread with TensorFlow's single-threaded executor; more threads
 * would not make it faster. A large step uses the usual executor and all threads. No setting of the
 * environment is needed. oneDNN is enabled by default and is faster for all networks except the
 * smallest.
 *
 * <p>A process measures one number of threads and one network, because the first session creates
 * the threads within operations and later sessions use the same threads.
 */
public final class TensorflowContender implements Contender {
  @Override
  public String name() {
    return "tensorflow";
  }

  @Override
  public String version() {
    String java = TensorFlow.class.getPackage().getImplementationVersion();
    return (java == null ? "" : java + ", ") + "TensorFlow " + TensorFlow.version();
  }

  /** Returns a constant: both are linked into the library and cannot be replaced or queried. */
  @Override
  public String blas() {
    return "Eigen and oneDNN";
  }

  @Override
  public Training train(
      Network network, Workload.Optimizer optimizer, float learningRate, int threads) {
    return new TensorflowTraining(network, optimizer, learningRate, threads);
  }

  @Override
  public Inference infer(Network network, int samples, int threads) {
    return new TensorflowInference(network, samples, threads);
  }
}
