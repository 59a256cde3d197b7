package org.chainrule.benchmarks.chainrule;

import org.chainrule.Adam;
import org.chainrule.Graph;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Optimizer;
import org.chainrule.Sgd;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/** A network as a graph and a model with the initial parameters that all libraries use. */
final class Built implements AutoCloseable {
  private static final double MOMENTUM = 0.9;

  final Graph graph = new Graph();
  final Node x;

  /** The logits or the predicted values. */
  final Node output;

  /** The label or the target. */
  final Node wanted;

  final Node loss;
  final Model model;

  Built(Network network) {
    int depth = network.layers.length - 1;
    x = graph.input("x", network.layers[0]);
    Node layer = x;
    for (int i = 0; i < depth; ++i) {
      if (i > 0) {
        layer = network.activation == Workload.Activation.RELU ? layer.relu() : layer.sigmoid();
      }
      layer = layer.linear(network.layers[i + 1], "layer" + i);
    }
    output = layer;
    if (network.loss == Workload.Loss.SOFTMAX_CROSS_ENTROPY) {
      wanted = graph.label("label", network.layers[depth]);
      loss = graph.softmaxCrossEntropy(output, wanted);
    } else {
      wanted = graph.target("target", network.layers[depth]);
      loss = graph.meanSquaredError(output, wanted);
    }
    model = Model.create(graph, 1);
    for (int i = 0; i < depth; ++i) {
      model.set(graph.node("layer" + i + ".weight"), network.weights[i]);
      model.set(graph.node("layer" + i + ".bias"), network.biases[i]);
    }
  }

  static Optimizer optimizer(Workload.Optimizer optimizer, float learningRate) {
    return switch (optimizer) {
      case SGD -> Sgd.of(learningRate);
      case MOMENTUM -> Sgd.of(learningRate).momentum(MOMENTUM);
      case ADAM -> Adam.of(learningRate);
    };
  }

  @Override
  public void close() {
    model.close();
    graph.close();
  }
}
