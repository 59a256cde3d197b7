package org.chainrule.benchmarks.djl;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import java.util.Arrays;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/**
 * Trains with autograd. Each step creates new leaves of the graph over the memory of the
 * parameters. The backward pass then stores new gradients; otherwise it would add to old gradients,
 * which would have to be zeroed. The backward pass starts with the learning rate as the gradient of
 * the loss, so an update does not need to scale the gradients.
 */
final class DjlTraining implements Contender.Training {
  private final PtNDManager manager;
  private final Update update;
  private final boolean relu;
  private final PtNDArray inputs;
  private final PtNDArray targets;
  private final PtNDArray labels;

  /** The weight and the bias of each layer, alternating. */
  private final PtNDArray[] parameters;

  private final PtNDArray[] leaves;
  private final PtNDArray[] values;
  private final PtNDArray lossGradient;
  private PtNDArray loss;

  DjlTraining(PtNDManager manager, Network network, Update update, float gradientScale) {
    this.manager = manager;
    this.update = update;
    int[] layers = network.layers;
    int depth = layers.length - 1;
    relu = network.activation == Workload.Activation.RELU;
    inputs = DjlContender.array(manager, network.inputs, network.batchSize, layers[0]);
    if (network.labels != null) {
      long[] classes = Arrays.stream(network.labels).asLongStream().toArray();
      labels = (PtNDArray) manager.create(classes, new Shape(network.batchSize, 1));
      targets = null;
    } else {
      labels = null;
      targets = DjlContender.array(manager, network.targets, network.batchSize, layers[depth]);
    }
    parameters = new PtNDArray[2 * depth];
    for (int i = 0; i < depth; ++i) {
      parameters[2 * i] = DjlContender.array(manager, network.weights[i], layers[i + 1], layers[i]);
      parameters[2 * i + 1] = DjlContender.array(manager, network.biases[i], layers[i + 1]);
    }
    leaves = new PtNDArray[parameters.length];
    values = new PtNDArray[2 * depth + 1];
    // for classes, the last mean is that of the log-probabilities, which is the negative loss
    lossGradient = (PtNDArray) manager.create(labels != null ? -gradientScale : gradientScale);
  }

  @Override
  public void step() {
    JniUtils.setGradMode(true);
    for (int i = 0; i < parameters.length; ++i) {
      leaves[i] = JniUtils.detachGradient(parameters[i]);
      leaves[i].setRequiresGradient(true);
    }
    int used = 0;
    PtNDArray value = inputs;
    for (int i = 0; i < leaves.length; i += 2) {
      value = values[used++] = JniUtils.linear(value, leaves[i], leaves[i + 1]);
      if (i + 2 < leaves.length) {
        value = values[used++] = relu ? JniUtils.relu(value) : JniUtils.sigmoid(value);
      }
    }
    if (loss != null) {
      loss.close();
    }
    PtNDArray before;
    if (labels != null) {
      before = values[used++] = JniUtils.logSoftmax(value, 1, DataType.FLOAT32);
      before = values[used++] = JniUtils.gather(before, labels, 1);
    } else {
      before = values[used++] = JniUtils.sub(value, targets);
      before = values[used++] = JniUtils.square(before);
    }
    loss = JniUtils.mean(before);
    for (PtNDArray array : values) {
      array.close();
    }
    JniUtils.backward(loss, lossGradient, false, false);
    for (int i = 0; i < parameters.length; ++i) {
      try (PtNDArray leaf = leaves[i];
          PtNDArray gradient = JniUtils.getGradient(leaf)) {
        update.apply(parameters[i], gradient);
      }
    }
  }

  @Override
  public double loss() {
    return labels != null ? -loss.getFloat() : loss.getFloat();
  }

  @Override
  public void close() {
    manager.close();
  }
}
