package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Jacobians: one matrix per sample. */
class JacobianTest {
  /** z = W x: (dz/dx)[i][j] = W[j][i]. */
  @Test
  void ofALinearLayerIsTheTransposedWeight() {
    for (DataType type : DataType.values()) {
      try (Graph graph = new Graph()) {
        Node x = graph.input("x", 3);
        Node w = graph.parameter("w", 2, 3, Initializer.glorotUniform());
        Node z = graph.linear(x, w);
        try (Model model = Model.builder(graph).dataType(type).build();
            Jacobian jacobian = Jacobian.of(model, z, x)) {
          double[] weight = model.getDoubles(w);
          double[][][] of = jacobian.compute(new Batch(4).set(x, Nets.doubles(1, 12)));
          assertEquals(4, of.length);
          for (double[][] sample : of) {
            for (int i = 0; i < 3; ++i) {
              assertArrayEquals(new double[] {weight[i], weight[3 + i]}, sample[i]);
            }
          }
        }
      }
    }
  }

  /** The Jacobian of a loss with respect to a parameter or an input is its gradient. */
  @Test
  void ofALossIsTheGradient() {
    try (Graph graph = Nets.classifier(4, 3, 6);
        Model model = Model.builder(graph).dataType(DataType.DOUBLE).seed(1).build();
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1))) {
      Batch batch = Nets.batch(5, 7, 4, 3);
      trainer.gradients(batch);
      for (Node node : graph.nodes()) {
        if (node.op() == Op.PARAMETER || node.op() == Op.INPUT) {
          double[] gradient = trainer.gradientDoubles(node);
          try (Jacobian jacobian = Jacobian.of(model, graph.node("loss"), node)) {
            int at = 0;
            for (double[][] sample : jacobian.compute(batch)) {
              for (double[] row : sample) {
                assertEquals(gradient[at++], row[0], 1e-12);
              }
            }
            assertEquals(gradient.length, at);
          }
        }
      }
    }
  }

  @Test
  void agreeWithFiniteDifferences() {
    try (Graph graph = Nets.classifier(4, 3, 6);
        Model model = Model.builder(graph).dataType(DataType.DOUBLE).seed(1).build()) {
      Node hidden = graph.node("logits").inputs().get(0);
      Batch batch = Nets.batch(5, 7, 4, 3);
      for (Node by : new Node[] {graph.node("x"), hidden, graph.node("logits.weight")}) {
        try (Jacobian jacobian = Jacobian.of(model, graph.node("logits"), by)) {
          double[][][] exact = jacobian.compute(batch);
          double[][][] differences = jacobian.differences(batch);
          for (int k = 0; k < exact.length; ++k) {
            for (int i = 0; i < exact[k].length; ++i) {
              assertArrayEquals(exact[k][i], differences[k][i], 1e-6);
            }
          }
        }
      }
    }
  }

  @Test
  void refusesLabelsBatchMeansOfSeveralSamplesAndClosedObjects() {
    try (Graph graph = Nets.classifier(4, 3, 6)) {
      Node mean = graph.node("logits").batchMean();
      Node centered = graph.node("logits").subtract(mean);
      try (Model model = Model.create(graph, 1)) {
        Node x = graph.node("x");
        Node label = graph.node("label");
        assertThrows(IllegalArgumentException.class, () -> Jacobian.of(model, label, x));
        try (Jacobian jacobian = Jacobian.of(model, centered, x)) {
          assertEquals(1, jacobian.compute(Nets.batch(1, 1, 4, 3)).length);
          IllegalArgumentException thrown =
              assertThrows(
                  IllegalArgumentException.class, () -> jacobian.compute(Nets.batch(1, 2, 4, 3)));
          assertTrue(thrown.getMessage().contains("expected a batch of one sample"));
          assertThrows(IllegalArgumentException.class, () -> jacobian.compute(new Batch(1)));
          jacobian.close();
          assertThrows(IllegalStateException.class, () -> jacobian.compute(Nets.batch(1, 1, 4, 3)));
        }
      }
    }
  }
}
