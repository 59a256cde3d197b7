package org.chainrule.draw;

import java.util.EnumSet;
import org.chainrule.CustomOperation;
import org.chainrule.Graph;
import org.chainrule.Initializer;
import org.chainrule.Node;
import org.chainrule.Op;

/** A small graph that contains every operation. */
final class Everything {
  private Everything() {}

  static Graph graph() {
    Graph graph = new Graph();
    Node x = graph.input("x", 2);
    Node target = graph.target("t", 2);
    Node label = graph.label("y", 2);
    CustomOperation.register("cube", z -> z * z * z, z -> 3 * z * z);
    x.custom("cube");
    Node two = graph.constant("two", 2, 1, 1, 2);
    Node weight = graph.parameter("w", 2, 2, Initializer.zeros());
    Node linear = x.linear(2);
    graph.matmulTransposed(x, weight);
    graph.matmul(weight, weight);
    x.add(two);
    x.subtract(graph.constant(0.5));
    x.multiply(target).scale(0.25);
    x.leakyRelu();
    x.elu();
    x.dropout(0.5);
    graph.identity(x);
    for (Node node : new Node[] {x.negate(), x.square(), x.exp(), x.log(), x.sigmoid(), x.tanh()}) {
      node.relu();
    }
    for (Node node : new Node[] {x.softplus(), x.gelu(), x.silu()}) {
      node.sum();
    }
    graph.concat(x, linear).slice(1, 3).mean();
    x.polynomialFeatures().squaredNorm();
    x.batchMean();
    x.logSumExp();
    x.layerNorm();
    Node probabilities = x.softmax();
    graph.negativeLogLikelihood(probabilities, label);
    graph.negativeLogLikelihood(probabilities, target);
    graph.softmaxCrossEntropy(linear, label);
    graph.softmaxCrossEntropy(linear, target);
    graph.binaryCrossEntropy(linear, target);
    graph.squaredError(linear, target);
    graph.huber(linear, target, 1.5);
    graph.meanSquaredError(linear, target).add(weight.squaredNorm().scale(0.1));
    EnumSet<Op> missing = EnumSet.allOf(Op.class);
    graph.nodes().forEach(node -> missing.remove(node.op()));
    if (!missing.isEmpty()) {
      throw new AssertionError("not in this graph: " + missing);
    }
    return graph;
  }
}
