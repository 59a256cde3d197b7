package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Predictions: the values of nodes. */
class PredictorTest {
  private final Graph graph = new Graph();
  private final Node x = graph.input("x", 2);
  private final Node w = graph.parameter("w", 3, 2, Initializer.zeros());
  private final Node b = graph.parameter("b", 3, Initializer.zeros());
  private final Node y = graph.linear(x, w, b);

  private Model model(DataType type) {
    Model model = Model.builder(graph).dataType(type).build();
    model.set(w, new double[] {1, 2, 3, 4, 5, 6});
    model.set(b, new float[] {0.5f, -1, 100});
    return model;
  }

  @Test
  void samplesAreStoredContiguouslyInInputsAndOutputs() {
    for (DataType type : DataType.values()) {
      try (Model model = model(type);
          Predictor predictor = model.predictor(y)) {
        float[] expected = {1.5f, 2, 105, 2.5f, 3, 106, -0.5f, -2, 99};
        float[] in = {1, 0, 0, 1, 1, -1};
        assertArrayEquals(expected, predictor.predict(in));
        assertArrayEquals(Nets.toDoubles(expected), predictor.predict(Nets.toDoubles(in)));
        float[] out = new float[9];
        predictor.predict(in, out);
        assertArrayEquals(expected, out);
        double[] doubles = new double[9];
        predictor.predict(Nets.toDoubles(in), doubles);
        assertArrayEquals(Nets.toDoubles(expected), doubles);
        assertArrayEquals(expected, predictor.predict(new Batch(3).set(x, in)));
        assertArrayEquals(new int[] {2, 2, 2}, predictor.classify(in));
        assertArrayEquals(new double[] {1, 2, 3, 4, 5, 6}, model.getDoubles(w));
        assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, model.getFloats(w));
        assertEquals(9, model.parameterCount());
      }
    }
  }

  @Test
  void severalOutputsAtOnce() {
    Node mean = y.batchMean();
    Node activation = y.relu();
    try (Model model = model(DataType.FLOAT);
        Predictor predictor = model.predictor(activation, mean, w, x)) {
      Batch batch = new Batch(2).set(x, new float[] {1, 0, 0, -1});
      float[][] out = {new float[6], new float[3], new float[6], new float[4]};
      predictor.predict(batch, out);
      assertArrayEquals(new float[] {1.5f, 2, 105, 0, 0, 94}, out[0]);
      assertArrayEquals(new float[] {0, -1.5f, 99.5f}, out[1]);
      assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, out[2]);
      assertArrayEquals(new float[] {1, 0, 0, -1}, out[3]);
    }
  }

  @Test
  void zerosOfReluArePositive() {
    Node activation = y.relu();
    try (Model model = model(DataType.FLOAT);
        Predictor predictor = model.predictor(activation)) {
      for (float value : predictor.predict(new float[] {-100, -100})) {
        assertEquals(0, Float.floatToRawIntBits(value));
      }
    }
  }

  @Test
  void manySamplesInOneCall() {
    Graph own = Nets.classifier(7, 5, 30);
    int count = 3 * 1024 + 17;
    float[] in = Nets.floats(1, count * 7);
    try (Model model = Model.create(own, 1);
        Predictor predictor = model.predictor(own.node("logits"))) {
      float[] all = predictor.predict(in);
      float[] whole = predictor.predict(new Batch(count).set("x", in));
      assertArrayEquals(whole, all, 1e-5f);
      float[] last = predictor.predict(Arrays.copyOfRange(in, (count - 17) * 7, count * 7));
      assertArrayEquals(Arrays.copyOfRange(all, (count - 17) * 5, count * 5), last);
    }
  }

  @Test
  void aMeanOverTheBatchIsOverAllSamples() {
    Node mean = x.batchMean();
    Node centered = x.subtract(mean);
    int count = 5000;
    float[] in = new float[2 * count];
    for (int i = 0; i < in.length; ++i) {
      in[i] = i / 2;
    }
    try (Model model = model(DataType.DOUBLE);
        Predictor means = model.predictor(mean);
        Predictor predictor = model.predictor(centered)) {
      assertArrayEquals(new float[] {2499.5f, 2499.5f}, means.predict(in));
      assertEquals(-2499.5f, predictor.predict(in)[0]);
    }
  }

  @Test
  void nonFiniteValuesArePropagated() {
    try (Model model = model(DataType.FLOAT);
        Predictor predictor = model.predictor(y)) {
      float[] out = predictor.predict(new float[] {Float.NaN, 0, 1, 0});
      assertTrue(Float.isNaN(out[0]));
      assertEquals(1.5f, out[3]);
    }
  }
}
