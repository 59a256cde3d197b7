package org.chainrule.benchmarks.tensorflow;

import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;
import org.tensorflow.TensorFlow;

/** TensorFlow Java in graph mode: see {@link TensorflowTraining} and {@link TensorflowInference}. */
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
