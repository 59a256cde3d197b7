package org.chainrule.benchmarks.onnxruntime;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/** ONNX Runtime, for inference only. See {@link OnnxruntimeInference}. */
public final class OnnxruntimeContender implements Contender {
  @Override
  public String name() {
    return "onnxruntime";
  }

  @Override
  public String version() {
    return OrtEnvironment.getEnvironment().getVersion();
  }

  @Override
  public String blas() {
    return "MLAS, its own";
  }

  @Override
  public Training train(
      Network network, Workload.Optimizer optimizer, float learningRate, int threads) {
    throw new UnsupportedOperationException("Training: ONNX Runtime's jar has no training.");
  }

  @Override
  public Inference infer(Network network, int samples, int threads) throws OrtException {
    return new OnnxruntimeInference(network, samples, threads);
  }
}
