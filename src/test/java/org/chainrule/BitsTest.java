package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The results of a training are reproducible: the same seed gives the same bits. */
class BitsTest {
  private final int threads = Chainrule.threads();

  @TempDir Path folder;

  @AfterEach
  void restoreThreads() {
    Chainrule.threads(threads);
  }

  /** Trains for 200 steps with {@code count} threads and returns the parameters. */
  private static double[][] train(int count, int features, int classes, int batch, int... hidden) {
    Chainrule.threads(count);
    assertEquals(count, Chainrule.threads());
    Graph graph = Nets.classifier(features, classes, hidden);
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.05).momentum(0.9));
        Dataset data = Nets.dataset(2, 5 * batch + 3, features, classes)) {
      trainer.fitSteps(data, batch, 200);
      return Nets.parameters(model);
    }
  }

  @Test
  void doNotDependOnTheNumberOfThreads() {
    double[][] expected = train(1, 784, 10, 128, 512, 256);
    for (int count : new int[] {2, 3, 8}) {
      assertArrayEquals(expected, train(count, 784, 10, 128, 512, 256), count + " threads");
    }
  }

  @Test
  void doNotDependOnTheNumberOfThreadsForOddSizes() {
    double[][] expected = train(1, 203, 7, 129, 331, 97);
    for (int count : new int[] {2, 3, 8}) {
      assertArrayEquals(expected, train(count, 203, 7, 129, 331, 97), count + " threads");
    }
  }

  @Test
  void doNotDependOnGradientsStatisticsAndEvaluationsBetweenSteps() {
    Graph graph = Nets.classifier(20, 5, 40);
    Batch batch = Nets.batch(1, 32, 20, 5);
    for (Optimizer optimizer : new Optimizer[] {Sgd.of(0.1), Sgd.of(0.1).momentum(0.9)}) {
      try (Model plain = Model.create(graph, 1);
          Model inspected = Model.create(graph, 1);
          Trainer one = plain.trainer(graph.node("loss"), optimizer);
          Trainer other = inspected.trainer(graph.node("loss"), optimizer)) {
        for (int i = 0; i < 20; ++i) {
          one.step(batch);
          other.gradients(batch);
          other.statistics(batch);
          other.evaluate(batch);
          other.step(batch);
        }
        assertArrayEquals(Nets.parameters(plain), Nets.parameters(inspected));
      }
    }
  }

  @Test
  void dependOnTheSeed() {
    Graph graph = Nets.classifier(5, 3, 8);
    try (Model a = Model.create(graph, 1);
        Model b = Model.create(graph, 1);
        Model c = Model.create(graph, 2)) {
      assertArrayEquals(Nets.parameters(a), Nets.parameters(b));
      assertFalse(Arrays.deepEquals(Nets.parameters(a), Nets.parameters(c)));
      assertEquals(2, c.seed());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void areTheSameAfterSaveAndResumeInTheMiddleOfAnEpoch(int which) {
    Optimizer optimizer =
        new Optimizer[] {Adam.of(0.01), AdamW.of(0.01), Sgd.of(0.1).momentum(0.9).nesterov(true)}
            [which];
    Graph graph = Nets.classifier(6, 3, 17);
    Path file = folder.resolve("training.safetensors");
    double[][] expected;
    try (Model model = Model.create(graph, 4);
        Trainer trainer = model.trainer(graph.node("loss"), optimizer);
        Dataset data = Nets.dataset(2, 50, 6, 3)) {
      // an epoch has 7 steps; the last step has 2 samples
      trainer.fitSteps(data, 8, 7 * 2 + 3);
      trainer.learningRate(0.02);
      trainer.save(file);
      trainer.fitSteps(data, 8, 7 * 2);
      expected = Nets.parameters(model);
      assertEquals(4, trainer.epoch());
    }
    try (Trainer trainer = Trainer.resume(file);
        Dataset data = Nets.dataset(2, 50, 6, 3)) {
      assertEquals(17, trainer.steps());
      assertEquals(2, trainer.epoch());
      assertEquals(0.02, trainer.learningRate());
      trainer.fitSteps(data, 8, 7 * 2);
      assertArrayEquals(expected, Nets.parameters(trainer.model()));
    }
    try (Model model = Model.load(file);
        Trainer trainer = Trainer.resume(model, file);
        Dataset data = Nets.dataset(2, 50, 6, 3)) {
      assertEquals(4, model.seed());
      // fit finishes the epoch that has begun and counts it as one of its 2 epochs
      assertEquals(4, trainer.fit(data, 8, 2).epoch());
      trainer.fitSteps(data, 8, 3);
      assertArrayEquals(expected, Nets.parameters(model));
    }
  }

  @Test
  void areTheSameAfterSaveAndLoad() {
    Graph graph = Nets.classifier(6, 3, 17);
    Path file = folder.resolve("größe.safetensors");
    float[] x = Nets.floats(9, 6 * 40);
    for (DataType type : DataType.values()) {
      try (Model model = Model.builder(graph).seed(-7).dataType(type).build();
          Predictor predictor = model.predictor(graph.node("logits"))) {
        model.save(file);
        try (Model loaded = Model.load(file);
            Predictor same = loaded.predictor(loaded.graph().node("logits"))) {
          assertEquals(type, loaded.dataType());
          assertEquals(-7, loaded.seed());
          assertEquals(graph.toString(), loaded.graph().toString());
          assertEquals(model.parameterCount(), loaded.parameterCount());
          assertArrayEquals(Nets.parameters(model), Nets.parameters(loaded));
          assertArrayEquals(predictor.predict(x), same.predict(x));
        }
      }
    }
  }
}
