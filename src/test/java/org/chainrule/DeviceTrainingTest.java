package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs the same programs on the CPU and on the first CUDA device and compares the results with
 * those of the CPU. Without a CUDA device, its tests are skipped.
 */
class DeviceTrainingTest {
  private static final int FEATURES = 20;
  private static final int CLASSES = 5;
  private static final int EXAMPLES = 200;
  private static final int BATCH = 32;

  private static final float[] SAMPLES = Nets.floats(1, EXAMPLES * FEATURES);
  private static final int[] LABELS = Nets.labels(2, EXAMPLES, CLASSES);

  @TempDir Path folder;

  static Stream<String> devices() {
    return Stream.of("cpu", "cuda");
  }

  private static Device device(String name) {
    if (name.equals("cpu")) {
      return Device.cpu();
    }
    assumeTrue(Device.cudaCount() > 0, "no CUDA device");
    return Device.cuda(0);
  }

  /** A layer width at which a GPU computes the products with the BLAS. */
  private static final int WIDE = 200;

  private static Graph graph() {
    return graph(40);
  }

  private static Graph graph(int width) {
    return Nets.classifier(FEATURES, CLASSES, width, 30);
  }

  private static Dataset data(Graph graph) {
    return Dataset.of(EXAMPLES).with(graph.node("x"), SAMPLES).with(graph.node("label"), LABELS);
  }

  /** The results of a training. */
  private record Trained(double loss, double[] weights, double[] logits) {}

  private static Trained train(Device device, DataType type, Optimizer optimizer) {
    return train(device, type, optimizer, graph());
  }

  /** Trains the network and closes its graph. */
  private static Trained train(Device device, DataType type, Optimizer optimizer, Graph network) {
    try (Graph graph = network;
        Model model = Model.builder(graph).seed(3).dataType(type).device(device).build();
        Trainer trainer = model.trainer(graph.node("loss"), optimizer);
        Dataset data = data(graph);
        Predictor predictor = model.predictor(graph.node("logits"))) {
      double loss = trainer.fit(data, BATCH, 5).loss();
      double[] weights = model.getDoubles(model.parameters().get(0));
      return new Trained(loss, weights, predictor.predict(Nets.toDoubles(SAMPLES)));
    }
  }

  private static List<Optimizer> optimizers() {
    return List.of(
        Sgd.of(0.05), Sgd.of(0.02).momentum(0.9).weightDecay(1e-4), Adam.of(0.01), AdamW.of(0.01));
  }

  @ParameterizedTest
  @MethodSource("devices")
  void trainingAgreesWithTheCpu(String name) {
    Device device = device(name);
    for (Optimizer optimizer : optimizers()) {
      for (DataType type : DataType.values()) {
        double tolerance = type == DataType.DOUBLE ? 1e-9 : 1e-3;
        Trained expected = train(Device.cpu(), DataType.DOUBLE, optimizer);
        Trained trained = train(device, type, optimizer);
        String what = optimizer + " in " + type + " on " + device;
        assertEquals(expected.loss, trained.loss, tolerance, what);
        assertArrayEquals(expected.weights, trained.weights, tolerance, what);
        assertArrayEquals(expected.logits, trained.logits, 10 * tolerance, what);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void theSameSeedGivesTheSameBits(String name) {
    Device device = device(name);
    for (Optimizer optimizer : optimizers()) {
      Trained first = train(device, DataType.FLOAT, optimizer);
      Trained second = train(device, DataType.FLOAT, optimizer);
      assertEquals(first.loss, second.loss);
      assertArrayEquals(first.weights, second.weights);
      assertArrayEquals(first.logits, second.logits);
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aSavedTrainingResumesOnAnyDevice(String name) {
    Device device = device(name);
    Path file = folder.resolve("training.safetensors");
    try (Graph graph = graph();
        Model model = Model.create(graph, 3, device);
        Trainer trainer = model.trainer(graph.node("loss"), Adam.of(0.01));
        Dataset data = data(graph)) {
      trainer.fit(data, BATCH, 2);
      trainer.save(file);
      double expected = trainer.fit(data, BATCH, 4).loss();
      for (Device other : List.of(device, Device.cpu())) {
        try (Trainer resumed = Trainer.resume(file, other)) {
          assertEquals(other, resumed.model().device());
          double tolerance = other.equals(device) ? 0 : 1e-3;
          assertEquals(expected, resumed.fit(data, BATCH, 4).loss(), tolerance);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aSnapshotStaysOnTheDeviceAndDoesNotSeeTraining(String name) {
    Device device = device(name);
    try (Graph graph = graph();
        Model model = Model.create(graph, 3, device);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1));
        Dataset data = data(graph);
        Model snapshot = model.snapshot();
        Predictor before = snapshot.predictor(graph.node("logits"));
        Predictor after = model.predictor(graph.node("logits"))) {
      assertEquals(device, snapshot.device());
      float[] expected = after.predict(SAMPLES);
      trainer.fit(data, BATCH, 1);
      assertArrayEquals(expected, before.predict(SAMPLES));
      float difference = 0;
      float[] trained = after.predict(SAMPLES);
      for (int i = 0; i < trained.length; ++i) {
        difference = Math.max(difference, Math.abs(trained[i] - expected[i]));
      }
      assertTrue(difference > 1e-3, "training changed nothing");
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void severalThreadsShareAPredictor(String name) {
    Device device = device(name);
    try (Graph graph = graph();
        Model model = Model.create(graph, 3, device);
        Predictor predictor = model.predictor(graph.node("logits"))) {
      float[] expected = predictor.predict(SAMPLES);
      boolean same =
          IntStream.range(0, 64)
              .parallel()
              .allMatch(i -> Arrays.equals(expected, predictor.predict(SAMPLES)));
      assertTrue(same);
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aNonFiniteLossChangesNoParameter(String name) {
    Device device = device(name);
    try (Graph graph = graph();
        Model model = Model.create(graph, 3, device);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1))) {
      Node weight = model.parameters().get(0);
      float[] before = model.getFloats(weight);
      float[] bad = Nets.floats(5, FEATURES);
      bad[3] = Float.NaN;
      Batch batch = new Batch(1).set(graph.node("x"), bad).set(graph.node("label"), new int[] {1});
      assertThrows(ChainruleException.class, () -> trainer.step(batch));
      assertArrayEquals(before, model.getFloats(weight));
      bad[3] = 0;
      batch.set(graph.node("x"), bad);
      assertTrue(Double.isFinite(trainer.step(batch)));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void gradientsAgreeWithTheCpu(String name) {
    Device device = device(name);
    try (Graph graph = graph();
        Model here = Model.builder(graph).seed(3).dataType(DataType.DOUBLE).device(device).build();
        Model there = Model.builder(graph).seed(3).dataType(DataType.DOUBLE).build();
        Trainer ours = here.trainer(graph.node("loss"), Sgd.of(0.1));
        Trainer theirs = there.trainer(graph.node("loss"), Sgd.of(0.1))) {
      Batch batch =
          new Batch(EXAMPLES)
              .set(graph.node("x"), Nets.toDoubles(SAMPLES))
              .set(graph.node("label"), LABELS);
      assertEquals(theirs.gradients(batch), ours.gradients(batch), 1e-12);
      for (Node parameter : here.parameters()) {
        assertArrayEquals(
            theirs.gradientDoubles(parameter), ours.gradientDoubles(parameter), 1e-12);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aDeviceReportsItsMemory(String name) {
    Device device = device(name);
    DeviceMemory before = device.memory();
    long weights = 0;
    try (Graph graph = graph();
        Model model = Model.create(graph, 3, device);
        Trainer trainer = model.trainer(graph.node("loss"), Adam.of(0.01));
        Dataset data = data(graph)) {
      trainer.fit(data, BATCH, 1);
      weights = trainer.memory().parameters();
      DeviceMemory open = device.memory();
      assertTrue(open.held() >= before.held() + 3 * weights, open + " after " + before);
      assertTrue(open.peak() >= open.held(), open.toString());
      assertTrue(open.free() > 0 && open.free() <= open.total(), open.toString());
      assertEquals(before.total(), open.total());
      String line = device + ": " + String.format("%,d bytes held", open.held());
      assertTrue(Chainrule.diagnose().contains(line), line);
    }
    assertTrue(weights > 0);
    assertEquals(before.held(), device.memory().held());
  }

  @Test
  void reducedPrecisionsAgreeWithTheCpuWithinTheirTolerance() {
    assumeTrue(Device.cudaCount() > 0, "no CUDA device");
    Trained expected = train(Device.cpu(), DataType.DOUBLE, Sgd.of(0.05));
    for (Precision precision : Precision.values()) {
      Trained trained = train(Device.cuda(0, precision), DataType.FLOAT, Sgd.of(0.05));
      double tolerance = precision == Precision.BFLOAT16 ? 0.05 : 0.01;
      assertEquals(expected.loss, trained.loss, tolerance, precision.toString());
      Trained again = train(Device.cuda(0, precision), DataType.FLOAT, Sgd.of(0.05));
      assertEquals(trained.loss, again.loss, precision.toString());
      Trained inDoubles = train(Device.cuda(0, precision), DataType.DOUBLE, Sgd.of(0.05));
      assertEquals(expected.loss, inDoubles.loss, 1e-9, precision.toString());
    }
  }

  @Test
  void aTunedDeviceKeepsItsChoicesAndIsReproducible() throws IOException {
    assumeTrue(Device.cudaCount() > 0, "no CUDA device");
    Path file = folder.resolve("products.txt");
    for (Precision precision : Precision.values()) {
      Device untuned = Device.cuda(0, precision);
      Device tuned = untuned.tuned(file);
      assertEquals(tuned, Device.cuda(0, precision).tuned(folder.resolve("./products.txt")));
      assertNotEquals(untuned, tuned);
      assertTrue(tuned.toString().contains("tuned"), tuned.toString());
      assertEquals(List.of(), untuned.tunedProducts());
      Trained expected = train(untuned, DataType.FLOAT, Sgd.of(0.05), graph(WIDE));
      Trained trained = train(tuned, DataType.FLOAT, Sgd.of(0.05), graph(WIDE));
      assertEquals(expected.loss, trained.loss, 0.05, precision.toString());
      List<String> products = tuned.tunedProducts();
      assertFalse(products.isEmpty());
      String text = Files.readString(file);
      assertEquals(trained.loss, train(tuned, DataType.FLOAT, Sgd.of(0.05), graph(WIDE)).loss);
      assertEquals(products, tuned.tunedProducts());
      assertEquals(text, Files.readString(file));
      try (Graph graph = graph(WIDE);
          Model model = Model.create(graph, 3, tuned);
          Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.05))) {
        assertTrue(trainer.plan(BATCH).contains(", tuned: "), trainer.plan(BATCH));
      }
    }
    Files.writeString(file, Files.readString(file).replaceFirst("(?m)^device .*$", "device Other"));
    Path copy = folder.resolve("of-another-device.txt");
    Files.move(file, copy);
    var other = assertThrows(ChainruleException.class, () -> Device.cuda(0).tuned(copy));
    assertTrue(other.getMessage().contains("tuned for 'device Other'"), other.getMessage());
  }

  @Test
  void anUnknownDeviceAndTooLittleMemoryAreRefused() {
    int count = Device.cudaCount();
    assumeTrue(count > 0, "no CUDA device");
    var noDevice = assertThrows(IllegalArgumentException.class, () -> Device.cuda(count));
    assertTrue(noDevice.getMessage().contains("but got " + count), noDevice.getMessage());
    assertEquals(Device.cuda(0), Device.cuda(0, Precision.FLOAT32));
    try (Graph graph = new Graph()) {
      graph.parameter("w", 1 << 20, 1 << 20, Initializer.zeros()); // 4 TiB
      var full =
          assertThrows(ChainruleException.class, () -> Model.create(graph, 1, Device.cuda(0)));
      assertTrue(full.getMessage().contains("memory"), full.getMessage());
    }
    trainingAgreesWithTheCpu("cuda");
  }
}
