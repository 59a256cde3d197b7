package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Loads files that an earlier commit wrote and compares the results with those of that commit. A
 * text file next to each file contains them. Tolerances are relative to the largest absolute value
 * of an array, because processors and BLAS libraries round differently.
 */
class FilesTest {
  private static final double FLOAT_TOLERANCE = 2e-5;
  private static final double DOUBLE_TOLERANCE = 1e-12;

  /** Operations that were added after the commit that wrote the model with all operations. */
  private static final EnumSet<Op> ADDED_LATER = EnumSet.of(Op.DROPOUT, Op.LAYER_NORM);

  @BeforeAll
  static void register() {
    CustomOperation.register(
        "bump", z -> z / (1 + z * z), z -> (1 - z * z) / ((1 + z * z) * (1 + z * z)));
  }

  @AfterAll
  static void unregister() {
    CustomOperation.unregister("bump");
  }

  @ParameterizedTest
  @ValueSource(strings = {"everything-float", "everything-double"})
  void modelsPredictTheSame(String name) throws IOException {
    Map<String, double[]> computed = computed(name);
    try (Model model = Model.load(file(name + ".safetensors"))) {
      assertEquals(type(name), model.dataType());
      EnumSet<Op> missing = EnumSet.complementOf(ADDED_LATER);
      model.graph().nodes().forEach(node -> missing.remove(node.op()));
      assertTrue(missing.isEmpty(), () -> "the file has no " + missing);
      Batch batch = new Batch(computed.get("data y").length);
      for (String key : computed.keySet()) {
        String node = key.substring(key.indexOf(' ') + 1);
        if (key.equals("data y")) {
          batch.set(node, labels(computed.get(key)));
        } else if (key.startsWith("data ")) {
          batch.set(node, computed.get(key));
        }
      }
      int outputs = 0;
      for (String key : computed.keySet()) {
        if (key.startsWith("output ")) {
          Node node = model.graph().node(key.substring("output ".length()));
          try (Predictor predictor = model.predictor(node)) {
            double[] values = new double[computed.get(key).length];
            predictor.predict(batch, values);
            assertClose(name, key, computed.get(key), values);
          }
          ++outputs;
        }
      }
      assertEquals(6, outputs);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sgd-float",
        "sgd-double",
        "nesterov-float",
        "nesterov-double",
        "adam-float",
        "adam-double",
        "adamw-float",
        "adamw-double"
      })
  void trainingResumesInTheMiddleOfAnEpoch(String name) throws IOException {
    Map<String, double[]> computed = computed(name);
    double[] labels = computed.get("data y");
    double[] steps = computed.get("steps");
    double[] batch = computed.get("batch");
    try (Trainer trainer = Trainer.resume(file(name + ".safetensors"));
        Dataset data =
            Dataset.of(labels.length).with("x", computed.get("data x")).with("y", labels(labels))) {
      assertEquals(type(name), trainer.model().dataType());
      assertEquals(steps[0], trainer.steps());
      assertEquals(steps[1], trainer.epoch());
      assertEquals(steps[2], trainer.learningRate());
      Progress progress = trainer.fitSteps(data, (int) batch[0], (long) batch[1]);
      assertClose(name, "loss", computed.get("loss"), progress.loss());
      for (Node node : trainer.model().parameters()) {
        String key = "parameter " + node.name();
        assertClose(name, key, computed.get(key), trainer.model().getDoubles(node));
      }
      assertEquals(4, trainer.model().parameters().size());
    }
  }

  private static DataType type(String name) {
    return name.endsWith("-float") ? DataType.FLOAT : DataType.DOUBLE;
  }

  private static Path file(String name) {
    try {
      return Path.of(FilesTest.class.getResource("files/6e8d601/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Reads the results of the commit: the file has one line per array. */
  private static Map<String, double[]> computed(String name) throws IOException {
    Map<String, double[]> arrays = new LinkedHashMap<>();
    for (String line : Files.readAllLines(file(name + ".txt"))) {
      String[] parts = line.split(": ");
      arrays.put(
          parts[0], Arrays.stream(parts[1].split(" ")).mapToDouble(Double::parseDouble).toArray());
    }
    assertFalse(arrays.isEmpty());
    return arrays;
  }

  private static int[] labels(double[] values) {
    return Arrays.stream(values).mapToInt(value -> (int) value).toArray();
  }

  private static void assertClose(String name, String what, double[] expected, double... values) {
    double tolerance = type(name) == DataType.FLOAT ? FLOAT_TOLERANCE : DOUBLE_TOLERANCE;
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    assertEquals(expected.length, values.length, what);
    for (int i = 0; i < values.length; ++i) {
      assertEquals(expected[i], values[i], tolerance * largest, what + "[" + i + "]");
    }
  }
}
