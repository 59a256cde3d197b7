package org.chainrule.benchmarks.torch;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/**
 * All tensors are created once. A call copies the input, computes in place and copies the output.
 */
final class TorchInference implements Contender.Inference {
  private final boolean relu;
  private final Tensor[] transposedWeights;
  private final Tensor[] biases;
  private final Tensor[] values;
  private final FloatPointer inputMemory;
  private final FloatPointer outputMemory;

  TorchInference(Network network, int samples) {
    int[] layers = network.layers;
    int depth = layers.length - 1;
    relu = network.activation == Workload.Activation.RELU;
    transposedWeights = new Tensor[depth];
    biases = new Tensor[depth];
    values = new Tensor[depth + 1];
    try (InferenceMode mode = new InferenceMode()) {
      values[0] = torch.zeros(samples, layers[0]);
      for (int i = 0; i < depth; ++i) {
        try (Tensor weights = TorchContender.tensor(network.weights[i], layers[i + 1], layers[i])) {
          transposedWeights[i] = weights.t();
        }
        biases[i] = TorchContender.tensor(network.biases[i], layers[i + 1]);
        values[i + 1] = torch.zeros(samples, layers[i + 1]);
      }
    }
    inputMemory = values[0].data_ptr_float();
    outputMemory = values[depth].data_ptr_float();
  }

  @Override
  public void predict(float[] inputs, float[] outputs) {
    inputMemory.put(inputs);
    try (InferenceMode mode = new InferenceMode()) {
      for (int i = 0; i < biases.length; ++i) {
        Tensor value = values[i + 1];
        torch.addmm_out(value, biases[i], values[i], transposedWeights[i]);
        if (i + 1 < biases.length) {
          if (relu) {
            torch.relu_(value);
          } else {
            torch.sigmoid_(value);
          }
        }
      }
    }
    outputMemory.get(outputs);
  }

  @Override
  public void close() {
    for (int i = 0; i < biases.length; ++i) {
      transposedWeights[i].close();
      biases[i].close();
      values[i + 1].close();
    }
    values[0].close();
  }
}
