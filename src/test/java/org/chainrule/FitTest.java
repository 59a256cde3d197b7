package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Training over a data set. */
@Tag("checkjni")
class FitTest {
  private static final int EXAMPLES = 50;

  private final Graph graph = Nets.classifier(3, 4, 8);
  private final Model model = Model.create(graph, 1);
  private final Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1));
  private final Dataset data = Nets.dataset(1, EXAMPLES, 3, 4);

  @AfterEach
  void close() {
    data.close();
    trainer.close();
    model.close();
    graph.close();
  }

  @Test
  void theLastBatchOfAnEpochMayBeSmaller() {
    List<Double> losses = new ArrayList<>();
    try (Model same = Model.create(graph, 1);
        Trainer byHand = same.trainer(graph.node("loss"), Sgd.of(0.1))) {
      float[] x = Nets.floats(1, EXAMPLES * 3);
      int[] labels = Nets.labels(1, EXAMPLES, 4);
      for (int begin = 0; begin < EXAMPLES; begin += 16) {
        int end = Math.min(EXAMPLES, begin + 16);
        Batch batch =
            new Batch(end - begin)
                .set("x", Arrays.copyOfRange(x, begin * 3, end * 3))
                .set("label", Arrays.copyOfRange(labels, begin, end));
        losses.add(byHand.step(batch) * batch.size());
      }
      Progress progress = trainer.shuffle(false).fit(data, 16, 1);
      assertEquals(4, progress.steps());
      assertEquals(4, trainer.steps());
      assertEquals(1, trainer.epoch());
      assertArrayEquals(Nets.parameters(same), Nets.parameters(model));
      double mean = losses.stream().mapToDouble(loss -> loss).sum() / EXAMPLES;
      assertEquals(mean, progress.loss(), 1e-12);
    }
  }

  @Test
  void shufflingFollowsTheSeed() {
    trainer.shuffle(7).fit(data, 8, 3);
    double[][] expected = Nets.parameters(model);
    for (int i = 0; i < 3; ++i) {
      try (Model same = Model.create(graph, 1);
          Trainer other = same.trainer(graph.node("loss"), Sgd.of(0.1))) {
        if (i == 0) {
          other.shuffle(7);
        } else if (i == 1) {
          other.shuffle(8);
        } else {
          other.shuffle(false);
        }
        other.fit(data, 8, 3);
        assertEquals(i == 0, Arrays.deepEquals(expected, Nets.parameters(same)));
      }
    }
  }

  @Test
  void combinedListenersAreCalledInOrder() {
    List<String> calls = new ArrayList<>();
    FitListener first = progress -> calls.add("first " + progress.steps());
    trainer.listener(first.andThen(progress -> calls.add("second " + progress.steps())));
    trainer.fitSteps(data, 16, 1);
    assertEquals(List.of("first 1", "second 1"), calls);
    assertThrows(IllegalArgumentException.class, () -> first.andThen(null));
  }

  @Test
  void theListenerIsCalledAtTheEndOfEachEpoch() {
    List<Progress> ends = new ArrayList<>();
    trainer.listener(
        progress -> {
          if (progress.isEpochEnd()) {
            ends.add(progress);
          }
        });
    Progress last = trainer.fit(data, 16, 5);
    assertEquals(List.of(1L, 2L, 3L, 4L, 5L), ends.stream().map(Progress::epoch).toList());
    assertEquals(List.of(4L, 8L, 12L, 16L, 20L), ends.stream().map(Progress::steps).toList());
    for (Progress progress : ends) {
      assertEquals(5, progress.epochs());
      assertEquals(EXAMPLES, progress.samples());
      assertEquals(EXAMPLES, progress.examples());
      assertTrue(progress.samplesPerSecond() > 0);
      assertTrue(progress.loss() > 0);
    }
    assertEquals(ends.get(4), last);
    assertEquals(7, trainer.fit(data, 16, 2).epoch());
  }

  @Test
  void theListenerMayUseTheTrainerAndStopIt() {
    Batch batch = Nets.batch(1, 5, 3, 4);
    trainer.listener(
        progress -> {
          assertTrue(trainer.evaluate(batch) > 0);
          trainer.learningRate(trainer.learningRate() / 2);
          if (progress.epoch() == 3 && progress.isEpochEnd()) {
            trainer.stop();
          }
        });
    assertEquals(3, trainer.fit(data, 16, 100).epoch());
    assertEquals(3, trainer.epoch());
    assertTrue(trainer.learningRate() <= 0.1 / 8);
    trainer.listener(null);
    assertEquals(5, trainer.fit(data, 16, 2).epoch());
  }

  @Test
  void anExceptionOfTheListenerEndsFit() {
    trainer.listener(
        progress -> {
          throw new UnsupportedOperationException("enough");
        });
    assertThrows(UnsupportedOperationException.class, () -> trainer.fit(data, 16, 100));
    trainer.listener(null);
    trainer.fit(data, 16, 1);
  }

  @Test
  void fitStepsContinuesInTheMiddleOfAnEpoch() {
    for (int i = 0; i < 10; ++i) {
      assertEquals(3, trainer.fitSteps(data, 16, 3).steps());
    }
    assertEquals(30, trainer.steps());
    assertEquals(7, trainer.epoch());
    double[][] expected = Nets.parameters(model);
    try (Model same = Model.create(graph, 1);
        Trainer other = same.trainer(graph.node("loss"), Sgd.of(0.1))) {
      other.fitSteps(data, 16, 30);
      assertArrayEquals(expected, Nets.parameters(same));
      // 2 of the 4 steps of this epoch are done; fit runs the other 2 and counts it as one epoch
      assertEquals(6, other.fit(data, 16, 2).steps());
    }
  }

  @Test
  void anInterruptEndsFitBetweenTwoSteps() {
    trainer.listener(
        progress -> {
          if (progress.epoch() == 2) {
            Thread.currentThread().interrupt();
          }
        });
    FitInterruptedException e =
        assertThrows(FitInterruptedException.class, () -> trainer.fit(data, 16, 1_000_000));
    assertTrue(Thread.interrupted(), "the interrupt flag must stay set");
    assertEquals(trainer.steps(), e.steps());
    assertTrue(e.getMessage().contains("" + e.steps()), e.getMessage());
    trainer.listener(null);
    trainer.fit(data, 16, 1);
    assertFalse(Thread.interrupted());
  }

  @Test
  void anInterruptOfAnotherThreadEndsFit() throws InterruptedException {
    Thread main = Thread.currentThread();
    Thread thread = new Thread(main::interrupt);
    trainer.listener(
        progress -> {
          if (thread.getState() == Thread.State.NEW) {
            thread.start();
          }
        });
    assertThrows(FitInterruptedException.class, () -> trainer.fit(data, 16, Integer.MAX_VALUE));
    assertTrue(Thread.interrupted());
    thread.join();
  }

  @Test
  void columnsOfDoublesTrainModelsOfFloatsAndViceVersa() {
    float[] x = Nets.floats(1, EXAMPLES * 3);
    int[] labels = Nets.labels(1, EXAMPLES, 4);
    trainer.fit(data, 16, 2);
    try (Model same = Model.create(graph, 1);
        Trainer other = same.trainer(graph.node("loss"), Sgd.of(0.1));
        Dataset doubles = Dataset.of(EXAMPLES).with("x", Nets.toDoubles(x)).with("label", labels)) {
      other.fit(doubles, 16, 2);
      assertArrayEquals(Nets.parameters(model), Nets.parameters(same));
      try (Model wide = Model.builder(graph).seed(1).dataType(DataType.DOUBLE).build();
          Trainer third = wide.trainer(graph.node("loss"), Sgd.of(0.1))) {
        third.fit(data, 16, 2);
        double[][] first = Nets.parameters(wide);
        assertEquals(first[0][0], Nets.parameters(model)[0][0], 1e-4);
      }
    }
  }

  @Test
  void aDataSetInUseRefusesMoreColumns() {
    trainer.fit(data, 16, 1);
    assertThrows(IllegalStateException.class, () -> data.with("late", new float[EXAMPLES]));
  }

  @Test
  void aTrainerCanUseSeveralDataSets() {
    trainer.fit(data, 16, 1);
    try (Dataset other = Nets.dataset(2, 20, 3, 4)) {
      trainer.fit(other, 7, 2);
      assertEquals(4 + 6, trainer.steps());
    }
    trainer.fit(data, 16, 1);
    assertEquals(4 + 6 + 4, trainer.steps());
  }

  @Test
  void aStepWorksAfterFitHasReallocatedTheInputs() {
    // large enough that freed memory is returned to the operating system: a stale pointer would
    // crash
    int features = 60_000;
    try (Graph wide = Nets.classifier(features, 4);
        Model own = Model.create(wide, 1);
        Trainer steps = own.trainer(wide.node("loss"), Sgd.of(1e-6));
        Trainer fresh = own.trainer(wide.node("loss"), Sgd.of(1e-6));
        Dataset examples = Nets.dataset(1, 16, features, 4)) {
      Batch one = Nets.batch(1, 1, features, 4);
      steps.step(one);
      steps.fit(examples, 16, 1);
      assertEquals(fresh.evaluate(one), steps.evaluate(one));
    }
  }
}
