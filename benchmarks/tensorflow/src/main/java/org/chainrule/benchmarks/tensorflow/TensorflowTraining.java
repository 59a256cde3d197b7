package org.chainrule.benchmarks.tensorflow;

import java.util.ArrayList;
import java.util.List;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/**
 * One graph with the forward pass, the operations of TensorFlow's own gradients, and its fused
 * update operations. An update depends on all operations that read its variable, so it does not
 * need to copy the variable. A variable stores the loss, so a step fetches nothing.
 */
final class TensorflowTraining implements Contender.Training {
  private final Model model;
  private final Session session;
  private final Session.Runner step;
  private final Session.Runner loss;

  TensorflowTraining(
      Network network, Workload.Optimizer optimizer, float learningRate, int threads) {
    model = new Model(network);
    Ops tf = model.tf;
    int[] layers = network.layers;
    int depth = layers.length - 1;
    List<Operand<TFloat32>> weights = new ArrayList<>();
    model.weights.forEach(variable -> weights.add(model.read(variable)));
    Operand<TFloat32> inputs =
        model.read(model.variable("inputs", network.inputs, network.batchSize, layers[0]));
    List<Operand<TFloat32>> values = model.forward(inputs, weights);
    Operand<TFloat32> outputs = values.get(depth);
    Operand<TFloat32> meanLoss;
    Operand<TFloat32> delta;
    if (network.labels != null) {
      Operand<TInt32> labels =
          tf.readVariableOp(model.variable("labels", network.labels), TInt32.class);
      var crossEntropy = tf.nn.sparseSoftmaxCrossEntropyWithLogits(outputs, labels);
      meanLoss = tf.math.mean(crossEntropy.loss(), tf.constant(new int[] {0}));
      delta = tf.math.mul(crossEntropy.backprop(), tf.constant(1f / network.batchSize));
    } else {
      Operand<TFloat32> targets =
          model.read(model.variable("targets", network.targets, network.batchSize, layers[depth]));
      Operand<TFloat32> error = tf.math.sub(outputs, targets);
      meanLoss = tf.math.mean(tf.math.square(error), tf.constant(new int[] {0, 1}));
      delta = tf.math.mul(error, tf.constant(2f / (network.batchSize * layers[depth])));
    }
    Updates updates = new Updates(model, optimizer, learningRate);
    Operand<? extends TType> lossVariable = model.variable("loss", new float[1]);
    boolean relu = network.activation == Workload.Activation.RELU;
    for (int i = depth - 1; i >= 0; --i) {
      Operand<TFloat32> gradient = tf.linalg.matMul(delta, values.get(i), MatMul.transposeA(true));
      updates.add(
          model.biases.get(i),
          network.biases[i].length,
          tf.nn.biasAddGrad(delta),
          values.get(i + 1),
          layers[i + 1]);
      Operand<TFloat32> read = values.get(i + 1);
      if (i > 0) {
        Operand<TFloat32> product = tf.linalg.matMul(delta, weights.get(i));
        read = product;
        delta =
            relu
                ? tf.nn.reluGrad(product, values.get(i))
                : tf.math.sigmoidGrad(values.get(i), product);
      }
      updates.add(
          model.weights.get(i),
          network.weights[i].length,
          gradient,
          read,
          layers[i + 1],
          layers[i]);
    }
    List<Op> targets = new ArrayList<>(updates.targets());
    targets.add(tf.assignVariableOp(lossVariable, meanLoss));
    Op whole = tf.withControlDependencies(targets).noOp();
    session = model.start(network.flops(), threads);
    step = session.runner().addTarget(whole);
    loss = session.runner().fetch(model.read(lossVariable));
  }

  @Override
  public void step() {
    step.run().close();
  }

  @Override
  public double loss() {
    try (var result = loss.run()) {
      return ((TFloat32) result.get(0)).getFloat();
    }
  }

  @Override
  public void close() {
    session.close();
    model.close();
  }
}
