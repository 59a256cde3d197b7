package org.chainrule.benchmarks.tensorflow;

import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;
import org.tensorflow.TensorFlow;

/**
 * TensorFlow Java in graph mode: see {@link TensorflowTraining} and {@link TensorflowInference}. A
 * small step runs in the thread that calls, with TensorFlow's executor for one thread, which no
 * setting of threads makes faster; a large one with the usual executor and all threads. Nothing
 * need be set outside; oneDNN, which is on by itself, is faster than without but for the smallest
 * network.
 *
 * <p>A process measures one number of threads and one network: the first session makes the threads
 * that work within operations, and later sessions get the same whatever they ask for.
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

  /** Linked into the one library; there is nothing to choose or to ask. */
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
