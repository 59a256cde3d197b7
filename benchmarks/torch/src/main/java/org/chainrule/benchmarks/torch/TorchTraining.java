package org.chainrule.benchmarks.torch;

import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/**
 * Trains with autograd and the library's own optimizers. Gradients are released before the forward
 * pass instead of zeroed, so the backward pass stores its buffers as gradients instead of adding to
 * old ones. Two alternatives were not measurably faster: gradients as a list with manual updates,
 * and the whole step as one TorchScript function.
 */
final class TorchTraining implements Contender.Training {
  private final boolean relu;
  private final Tensor inputs;
  private final Tensor targets;
  private final Tensor labels;
  private final Tensor[] weights;
  private final TensorOptional[] biases;
  private final TensorVector parameters = new TensorVector();
  private final Optimizer optimizer;
  private final Tensor[] values;
  private Tensor loss = new Tensor();

  TorchTraining(Network network, Workload.Optimizer kind, float learningRate) {
    int[] layers = network.layers;
    int depth = layers.length - 1;
    relu = network.activation == Workload.Activation.RELU;
    inputs = TorchContender.tensor(network.inputs, network.batchSize, layers[0]);
    targets =
        network.targets == null
            ? null
            : TorchContender.tensor(network.targets, network.batchSize, layers[depth]);
    labels = network.labels == null ? null : TorchContender.tensor(network.labels);
    weights = new Tensor[depth];
    biases = new TensorOptional[depth];
    for (int i = 0; i < depth; ++i) {
      weights[i] = TorchContender.tensor(network.weights[i], layers[i + 1], layers[i]);
      weights[i].set_requires_grad(true);
      Tensor bias = TorchContender.tensor(network.biases[i], layers[i + 1]);
      bias.set_requires_grad(true);
      biases[i] = new TensorOptional(bias);
      parameters.push_back(weights[i]).push_back(bias);
    }
    values = new Tensor[2 * depth - 1];
    optimizer = optimizer(kind, learningRate);
  }

  private Optimizer optimizer(Workload.Optimizer kind, float learningRate) {
    if (kind == Workload.Optimizer.ADAM) {
      return new Adam(parameters, new AdamOptions(learningRate));
    }
    SGDOptions options = new SGDOptions(learningRate);
    if (kind == Workload.Optimizer.MOMENTUM) {
      options.momentum().put(0.9);
    }
    return new SGD(parameters, options);
  }

  @Override
  public void step() {
    loss.close();
    optimizer.zero_grad();
    int used = 0;
    Tensor value = inputs;
    for (int i = 0; i < weights.length; ++i) {
      value = values[used++] = torch.linear(value, weights[i], biases[i]);
      if (i + 1 < weights.length) {
        value = values[used++] = relu ? torch.relu(value) : torch.sigmoid(value);
      }
    }
    loss =
        labels != null ? torch.cross_entropy_loss(value, labels) : torch.mse_loss(value, targets);
    for (Tensor tensor : values) {
      tensor.close();
    }
    loss.backward();
    optimizer.step().close();
  }

  @Override
  public double loss() {
    return loss.item_float();
  }

  @Override
  public void close() {
    loss.close();
    optimizer.close();
    parameters.close();
    for (int i = 0; i < weights.length; ++i) {
      weights[i].close();
      biases[i].close();
    }
    inputs.close();
    if (labels != null) {
      labels.close();
    } else {
      targets.close();
    }
  }
}
