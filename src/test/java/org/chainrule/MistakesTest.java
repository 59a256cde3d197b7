package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Common mistakes are refused with a helpful message, or the call does what the user meant. */
class MistakesTest {
  private final Graph graph = new Graph();
  private final Node x = graph.input("x", 2);

  private static String refused(Executable call, String... words) {
    return refused(IllegalArgumentException.class, call, words);
  }

  private static String refused(Class<? extends Throwable> type, Executable call, String... words) {
    String message = assertThrows(type, call).getMessage();
    for (String word : words) {
      assertTrue(message.contains(word), word + " in: " + message);
    }
    assertFalse(message.contains("-nan"), message);
    return message;
  }

  @Test
  void lossesOfWrongInputsAreRefused() {
    Node label = graph.label("label", 3);
    Node target = graph.target("target", 3);
    Node z = x.linear(3, "z");
    int before = graph.nodes().size();
    refused(() -> graph.softmaxCrossEntropy(z, graph.target("one", 1)), "label");
    Node p = z.softmax();
    refused(() -> graph.softmaxCrossEntropy(p, label), "softmax", "input of", "negativeLog");
    refused(() -> graph.binaryCrossEntropy(z.sigmoid(), target), "sigmoid", "input of");
    refused(() -> graph.negativeLogLikelihood(p.log(), label), "log", "input of");
    refused(() -> graph.negativeLogLikelihood(z, label), "softmaxCrossEntropy");
    Node mixed = graph.linear(p, graph.constant("noise", 3, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1));
    graph.negativeLogLikelihood(mixed, label);
    graph.negativeLogLikelihood(p, label);
    graph.softmaxCrossEntropy(z, label);
    graph.binaryCrossEntropy(z, target);
    assertTrue(graph.nodes().size() > before);
  }

  @Test
  void doublesInDataThatAFloatCannotHoldAreRefused() {
    Node y = x.linear(1).tanh();
    Node loss = graph.squaredError(y, graph.target("t", 1));
    double[] values = {1, 2, 3, -1e300};
    double[] targets = {0, 1};
    try (Model floats = Model.create(graph, 1);
        Model doubles = Model.builder(graph).dataType(DataType.DOUBLE).build();
        Predictor rounded = floats.predictor(y);
        Predictor exact = doubles.predictor(y);
        Trainer trainer = floats.trainer(loss, Sgd.of(0.1));
        Trainer inDoubles = doubles.trainer(loss, Sgd.of(0.1))) {
      refused(
          () -> rounded.predict(values),
          "predict: expected values for 'x'",
          "that fit into a float, but got -1.0E300 at index 3");
      assertEquals(2, exact.predict(values).length);
      Batch batch = new Batch(2).set("x", values).set("t", targets);
      refused(() -> trainer.step(batch), "step: expected values for 'x'", "at index 3");
      Dataset data = Dataset.of(2).add("x", values).add("t", targets);
      refused(() -> trainer.fit(data, 2, 1), "'x'", "-1e+300", "example 1, feature 1");
      assertEquals(0, trainer.steps());
      inDoubles.fit(data, 2, 1);
      double[] infinite = {1, 2, 3, Double.POSITIVE_INFINITY};
      assertEquals(2, rounded.predict(infinite).length);
    }
  }

  @Test
  void classIndicesForAnInputOfADataSetAreRefused() {
    Node loss = graph.squaredError(x.linear(1), graph.target("t", 1));
    refused(() -> Dataset.of(2).add("x", new int[4]), "int[]", "float[] or double[]");
    Graph one = new Graph();
    Node single = one.squaredError(one.input("x", 1).linear(1), one.target("t", 1));
    try (Model model = Model.create(one, 1);
        Trainer trainer = model.trainer(single, Sgd.of(0.1));
        Dataset data = Dataset.of(2).add("x", new int[2]).add("t", new float[2])) {
      refused(() -> trainer.fit(data, 2, 1), "'x'", "float[] or double[]");
    }
    assertEquals("squared_error", loss.operation());
  }

  @Test
  void classesOfAModelOfDoublesAreDecidedOnDoubles() {
    Node p = x.slice(0, 1).sigmoid();
    try (Model model = Model.builder(graph).dataType(DataType.DOUBLE).build();
        Predictor one = model.predictor(p);
        Predictor both = model.predictor(x)) {
      double[] nearHalf = {4e-9, 0, -4e-9, 0};
      assertArrayEquals(new int[] {1, 0}, one.classify(nearHalf));
      assertArrayEquals(new int[] {1, 0}, one.classify(new double[][] {{4e-9, 0}, {-4e-9, 0}}));
      assertArrayEquals(new int[] {1, 0}, one.classify(new Batch(2).set("x", nearHalf)));
      assertArrayEquals(new int[] {1, 0}, both.classify(new double[] {1, 1 + 1e-12, 2, 1}));
      refused(() -> one.classify(new float[][] {{1}}), "classify", "2 values per sample");
    }
  }

  @Test
  void aSingleProbabilityIsClassifiedAndOtherOutputsAreRefused() {
    Node w = graph.parameter("w", 1, 2, Initializer.constant(1));
    Node z = graph.linear(x, w).named("z");
    Node p = z.sigmoid();
    Node one = x.slice(0, 1);
    try (Model model = Model.create(graph, 1);
        Predictor logit = model.predictor(z);
        Predictor probability = model.predictor(p);
        Predictor feature = model.predictor(one)) {
      float[] samples = {3, 1, -3, 1, 0, 0, Float.NaN, 1};
      assertArrayEquals(new int[] {1, 0, 0, 0}, probability.classify(samples));
      refused(() -> logit.classify(samples), "'z'", "sigmoid");
      refused(() -> feature.classify(samples), "sigmoid");
      float[][] rows = {{3, 1}, {-3, 1}};
      assertArrayEquals(new int[] {1, 0}, probability.classify(rows));
      assertArrayEquals(new float[][] {{4}, {-2}}, logit.predict(rows));
      assertArrayEquals(new double[][] {{4}}, logit.predict(new double[][] {{3, 1}}));
      refused(() -> logit.predict(new float[][] {{1}, {2}}), "2", "'x'");
      refused(() -> logit.predict(new float[][] {{1, 2}, {2}}), "sample 1 has 1");
      refused(() -> logit.predict(new float[][] {{1, 2}, null}), "sample 1 is null");
      assertTrue(logit.toString().contains("'z'") && logit.toString().contains("'x'"));
    }
  }

  @Test
  void numbersInGraphsThatAFloatCannotHoldAreRefused() {
    refused(() -> modelOf(g -> g.constant(1e300)), "1e+300", "float");
    refused(() -> modelOf(g -> g.constant("c", 1, 2, 1, -1e300)), "'c'", "-1e+300");
    refused(() -> modelOf(g -> g.constant(1e-46)), "1e-46", "0");
    refused(() -> modelOf(g -> g.node("x").scale(1e300)), "1e+300");
    refused(() -> modelOf(g -> g.node("x").scale(1e-46)), "1e-46");
    refused(() -> modelOf(g -> g.node("x").leakyRelu(1e-50)), "1e-50");
    refused(() -> modelOf(g -> g.parameter("p", 2, Initializer.constant(1e39))), "'p'", "1e+39");
    modelOf(g -> g.parameter("p", 2, Initializer.constant(1e-46))).close();
    modelOf(g -> g.constant("c", 1, 2, 1e-46, 1)).close();
    modelOf(g -> g.node("x").scale(0)).close();
    Node p = graph.parameter("p", 1, Initializer.zeros());
    graph.constant(1e300);
    try (Model model = Model.builder(graph).dataType(DataType.DOUBLE).build()) {
      model.set(p, new double[] {1e300});
      assertEquals(1e300, model.getDoubles(p)[0]);
    }
    Graph floats = new Graph();
    Node q = floats.parameter("q", 1, Initializer.zeros());
    try (Model model = Model.create(floats, 1)) {
      refused(() -> model.set(q, new double[] {1e300}), "1e+300", "as float");
      refused(() -> model.set(q, new double[] {Double.NaN}), "is nan");
      model.set(q, new double[] {1e-300});
      assertEquals(0f, model.getFloats(q)[0]);
    }
  }

  private interface Step {
    Node on(Graph graph);
  }

  private static Model modelOf(Step step) {
    Graph graph = new Graph();
    graph.input("x", 2);
    step.on(graph);
    return Model.create(graph, 1);
  }

  @Test
  void targetsOutOfRangeAreRefused() {
    Node z = x.linear(2);
    Node t = graph.target("t", 2);
    Node binary = graph.binaryCrossEntropy(z, t);
    Node distribution = graph.softmaxCrossEntropy(z, t);
    Node any = graph.squaredError(z, t);
    try (Model model = Model.create(graph, 1);
        Trainer binaryTrainer = model.trainer(binary, Sgd.of(0.1));
        Trainer distributionTrainer = model.trainer(distribution, Sgd.of(0.1));
        Trainer anyTrainer = model.trainer(any, Sgd.of(0.1));
        Gradients gradients = Gradients.of(model, binary)) {
      float[] data = {1, 2, 3, 4};
      Batch above = new Batch(2).set(x, data).set(t, new float[] {0, 1, 1, 1.5f});
      Batch below = new Batch(2).set(x, data).set(t, new float[] {0, 1, -0.25f, 1});
      Batch nan = new Batch(2).set(x, data).set(t, new float[] {0, Float.NaN, 0, 1});
      refused(() -> binaryTrainer.step(above), "'t'", "0 to 1", "sample 1, feature 1 has 1.5");
      refused(() -> binaryTrainer.evaluate(below), "sample 1, feature 0 has -0.25");
      refused(() -> binaryTrainer.step(nan), "sample 0, feature 1 has nan");
      refused(() -> gradients.compute(above), "0 to 1");
      refused(() -> distributionTrainer.step(below), "0 or more", "-0.25");
      distributionTrainer.step(above);
      anyTrainer.step(below);
      float[] values = new float[200];
      double[] targets = new double[200];
      targets[151] = 1.25;
      try (Dataset dataset = Dataset.of(100).add(x, values).add(t, targets)) {
        refused(() -> binaryTrainer.fit(dataset, 10, 1), "fit", "sample 75, feature 1 has 1.25");
        assertEquals(0, binaryTrainer.steps());
        distributionTrainer.fit(dataset, 10, 1);
      }
    }
  }

  @Test
  void messagesLocateANonFiniteValue() {
    Node y = x.linear(1, "y");
    Node t = graph.target("t", 1);
    Node loss = graph.squaredError(y, t);
    Node square = x.exp().linear(1);
    Node overflow = graph.squaredError(square, t);
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(loss, Sgd.of(0.1));
        Trainer overflowing = model.trainer(overflow, Sgd.of(0.1));
        Gradients gradients = Gradients.of(model, loss)) {
      float[] good = {1, 2, 3, 4, 5, 6};
      float[] bad = {1, 2, 3, Float.NaN, 5, 6};
      Batch input = new Batch(3).set(x, bad).set(t, new float[3]);
      String[] place = {"is nan", "'x'", "batch row 1, feature 1"};
      refused(ChainruleException.class, () -> trainer.step(input), place);
      refused(ChainruleException.class, () -> trainer.evaluate(input), place);
      refused(ChainruleException.class, () -> gradients.compute(input), place);
      Batch target = new Batch(3).set(x, good).set(t, new float[] {0, 0, Float.POSITIVE_INFINITY});
      refused(ChainruleException.class, () -> trainer.step(target), "'t'", "batch row 2", "inf");
      Batch large = new Batch(1).set(x, new float[] {1000, 1000}).set(t, new float[1]);
      refused(ChainruleException.class, () -> overflowing.step(large), "checking(true)");
      assertFalse(Double.isFinite(overflowing.evaluate(large)));
      float[] examples = new float[2 * 50];
      examples[2 * 37 + 1] = Float.NaN;
      try (Dataset dataset = Dataset.of(50).add(x, examples).add(t, new float[50])) {
        String message =
            refused(ChainruleException.class, () -> trainer.fit(dataset, 7, 1), "'x'", "feature 1");
        assertTrue(message.contains("example 37 of the data set"), message);
      }
      assertEquals(50 / 7 + 1 > trainer.steps(), true);
    }
  }

  @Test
  void gradientsNeedNoParameter() {
    Node loss = x.square().sum().batchMean();
    try (Model model = Model.create(graph, 1);
        Gradients gradients = Gradients.of(model, loss)) {
      Batch batch = new Batch(2).set(x, new float[] {1, 2, 3, 4});
      assertEquals(15, gradients.compute(batch), 1e-6);
      assertArrayEquals(new float[] {1, 2, 3, 4}, gradients.getFloats(x), 1e-6f);
      assertEquals(4, gradients.statistics(batch).size());
      assertTrue(gradients.norms(batch).isEmpty());
      refused(() -> model.trainer(loss, Sgd.of(0.1)), "no parameter");
    }
  }

  @Test
  void doublesArePredictedAsDoubles() {
    Node y = x.scale(1.0 / 3);
    try (Model model = Model.builder(graph).dataType(DataType.DOUBLE).build();
        Predictor predictor = model.predictor(y)) {
      Batch batch = new Batch(1).set(x, new double[] {1, 2});
      assertArrayEquals(new double[] {1.0 / 3, 2.0 / 3}, predictor.predictDoubles(batch));
      assertArrayEquals(new float[] {1f / 3, 2f / 3}, predictor.predict(batch));
    }
  }

  @Test
  void twoDimensionalArraysAreAccepted() {
    Node t = graph.target("t", 1);
    Node loss = graph.squaredError(x.linear(1, Initializer.constant(1)), t);
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(loss, Sgd.of(0.01));
        Trainer other = model.trainer(loss, Sgd.of(0.01))) {
      float[][] rows = {{1, 2}, {3, 4}};
      double[][] targets = {{3}, {8}};
      Batch batch = new Batch(2).set(x, rows).set("t", targets);
      assertEquals(0.5, trainer.evaluate(batch), 1e-6);
      refused(() -> new Batch(3).set(x, rows), "3 samples", "2");
      try (Dataset dataset = Dataset.of(2).add(x, rows).with("t", targets)) {
        assertEquals(0.5, other.shuffle(false).fit(dataset, 2, 1).loss(), 1e-6);
      }
      try (Dataset dataset = Dataset.of(3)) {
        refused(() -> dataset.add(x, rows), "3 examples", "2");
      }
      assertTrue(trainer.toString().contains("squared_error"), trainer.toString());
    }
  }

  @Test
  void messagesOfLayersBatchesAndFiles(@TempDir Path folder) {
    refused(() -> x.linear(0), "features", "0");
    refused(() -> x.linear(0, "fc"), "'fc'", "features");
    assertEquals(1, graph.nodes().size());
    assertEquals("identity", x.identity().op().nativeName());
    Node loss = graph.squaredError(x.linear(1), graph.target("t", 1));
    Path file = folder.resolve("model.safetensors");
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(loss, Sgd.of(0.1))) {
      Batch batch = new Batch(1).set("x", new int[] {1}).set("t", new float[1]);
      refused(() -> trainer.step(batch), "class indices (int)", "float values");
      model.save(file);
      String message =
          refused(
              ChainruleException.class, () -> Trainer.resume(file), "no training", "Trainer.save");
      assertFalse(message.contains("not a valid model file"), message);
    }
  }
}
