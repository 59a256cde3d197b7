package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many threads use one model at the same time. */
@Timeout(120)
class ConcurrencyTest {
  private static final int FEATURES = 20;

  private final Graph graph = Nets.classifier(FEATURES, 5, 40, 30);
  private final Model model = Model.create(graph, 1);
  private final ExecutorService executor = Executors.newCachedThreadPool();

  @AfterEach
  void close() throws InterruptedException {
    executor.shutdownNow();
    assertTrue(executor.awaitTermination(60, TimeUnit.SECONDS));
    model.close();
    graph.close();
  }

  /** Runs the task in {@code threads} threads, which all start at the same time. */
  private <T> List<T> together(int threads, Callable<T> task) throws Exception {
    CountDownLatch ready = new CountDownLatch(threads);
    List<Future<T>> futures = new ArrayList<>();
    for (int i = 0; i < threads; ++i) {
      futures.add(
          executor.submit(
              () -> {
                ready.countDown();
                ready.await();
                return task.call();
              }));
    }
    List<T> results = new ArrayList<>();
    for (Future<T> future : futures) {
      results.add(future.get());
    }
    return results;
  }

  private Trainer trainer() {
    return model.trainer(graph.node("loss"), Sgd.of(0.01));
  }

  private Predictor predictor() {
    return model.predictor(graph.node("logits"));
  }

  @Test
  void eightThreadsPredictForTenSeconds() throws Exception {
    int[] sizes = {1, 2, 17, 300};
    float[][] in = new float[sizes.length][];
    float[][] expected = new float[sizes.length][];
    try (Predictor shared = predictor()) {
      for (int i = 0; i < sizes.length; ++i) {
        in[i] = Nets.floats(i, sizes[i] * FEATURES);
        expected[i] = shared.predict(in[i]);
      }
      long end = System.nanoTime() + 10_000_000_000L;
      AtomicInteger number = new AtomicInteger();
      List<Long> calls =
          together(
              8,
              () -> {
                long count = number.getAndIncrement();
                boolean own = count % 2 == 1;
                Predictor predictor = own ? predictor() : shared;
                float[][] out = Arrays.stream(expected).map(float[]::clone).toArray(float[][]::new);
                while (System.nanoTime() < end) {
                  int i = (int) (count++ % sizes.length);
                  Arrays.fill(out[i], Float.NaN);
                  predictor.predict(in[i], out[i]);
                  if (!Arrays.equals(expected[i], out[i])) {
                    throw new AssertionError(
                        "wrong value at index " + Arrays.mismatch(expected[i], out[i]));
                  }
                }
                if (own) {
                  predictor.close();
                }
                return count;
              });
      assertTrue(calls.stream().allMatch(count -> count > 100), calls.toString());
    }
  }

  @Test
  @Tag("checkjni")
  void fiveHundredThreadsPredictAtOnce() throws Exception {
    float[] in = Nets.floats(1, 3 * FEATURES);
    try (Predictor predictor = predictor()) {
      float[] expected = predictor.predict(in);
      for (float[] values : together(500, () -> predictor.predict(in))) {
        assertArrayEquals(expected, values);
      }
    }
  }

  @Test
  void predictionsWhileTheModelTrainsSeeWholeSteps() throws Exception {
    float[] in = Nets.floats(1, FEATURES);
    AtomicBoolean trained = new AtomicBoolean();
    // the loss contains the sum of w, so each step subtracts 1 from every element of w,
    // which is the predictor's output
    Graph own = new Graph();
    Node x = own.input("x", FEATURES);
    int size = 40_000;
    Node w = own.parameter("w", size, Initializer.zeros());
    Node loss = w.sum().add(own.squaredError(x, x));
    try (Model counter = Model.create(own, 1);
        Trainer trainer = counter.trainer(loss, Sgd.of(1));
        Predictor predictor = counter.predictor(w)) {
      float[] out = new float[size];
      Batch batch = new Batch(1).set(x, in);
      Future<Integer> seen =
          executor.submit(
              () -> {
                int count = 0;
                float last = 0;
                while (!trained.get() || count < 10) {
                  predictor.predict(new Batch(1), out);
                  for (float value : out) {
                    assertEquals(out[0], value, "the prediction mixes the parameters of two steps");
                  }
                  assertTrue(out[0] <= last, "an older step was seen after a newer one");
                  last = out[0];
                  ++count;
                }
                return count;
              });
      for (int i = 0; i < 2000; ++i) {
        trainer.step(batch);
      }
      trained.set(true);
      assertTrue(seen.get() >= 10);
      assertEquals(-2000, counter.getFloats(w)[size - 1]);
    }
  }

  @Test
  @Tag("checkjni")
  void closingWhilePredictingThrowsAndDoesNotCrash() throws Exception {
    for (int round = 0; round < 50; ++round) {
      Model local = Model.create(graph, round);
      Predictor predictor = local.predictor(graph.node("logits"));
      boolean closeModel = round % 2 == 0;
      float[] in = Nets.floats(1, 5 * FEATURES);
      AtomicInteger running = new AtomicInteger();
      List<Future<Integer>> futures = new ArrayList<>();
      for (int i = 0; i < 4; ++i) {
        futures.add(
            executor.submit(
                () -> {
                  try {
                    for (int count = 0; ; ++count) {
                      predictor.predict(in);
                      running.compareAndSet(count, count + 1);
                    }
                  } catch (IllegalStateException e) {
                    assertTrue(e.getMessage().contains("is closed"), e.getMessage());
                    return 1;
                  }
                }));
      }
      while (running.get() < 3) {
        Thread.onSpinWait();
      }
      (closeModel ? local : predictor).close();
      for (Future<Integer> future : futures) {
        assertEquals(1, future.get());
      }
      predictor.close();
      local.close();
    }
  }

  @Test
  void closingWhileTrainingThrowsAndDoesNotCrash() throws Exception {
    for (int round = 0; round < 20; ++round) {
      Model local = Model.create(graph, round);
      Trainer trainer = local.trainer(graph.node("loss"), Adam.of());
      Dataset data = Nets.dataset(1, 100, FEATURES, 5);
      CountDownLatch started = new CountDownLatch(1);
      trainer.listener(progress -> started.countDown());
      Future<?> fit = executor.submit(() -> trainer.fit(data, 10, Integer.MAX_VALUE));
      started.await();
      (round % 3 == 0 ? local : round % 3 == 1 ? trainer : data).close();
      Throwable cause = assertThrows(Exception.class, fit::get).getCause();
      assertEquals(IllegalStateException.class, cause.getClass());
      assertTrue(cause.getMessage().contains("is closed"), cause.getMessage());
      trainer.close();
      local.close();
      data.close();
    }
  }

  @Test
  @Tag("checkjni")
  void aSecondThreadInOneTrainerIsRefused() throws Exception {
    Batch batch = Nets.batch(1, 5, FEATURES, 5);
    try (Trainer trainer = trainer();
        Dataset data = Nets.dataset(1, 100, FEATURES, 5)) {
      CountDownLatch started = new CountDownLatch(1);
      trainer.listener(progress -> started.countDown());
      Future<?> fit = executor.submit(() -> trainer.fit(data, 10, Integer.MAX_VALUE));
      started.await();
      for (Runnable call :
          List.<Runnable>of(
              () -> trainer.step(batch),
              () -> trainer.evaluate(batch),
              () -> trainer.gradients(batch),
              () -> trainer.fit(data, 10, 1),
              () -> trainer.learningRate(0.5),
              () -> trainer.steps())) {
        String message = assertThrows(IllegalStateException.class, call::run).getMessage();
        assertTrue(message.contains("another thread"), message);
      }
      trainer.stop();
      fit.get();
      trainer.step(batch);
    }
  }

  @Test
  void trainersOfSeveralThreadsShareTheTeam() throws Exception {
    Graph wide = Nets.classifier(200, 5, 300);
    double[][] expected = train(wide);
    for (double[][] parameters : together(6, () -> train(wide))) {
      assertTrue(Arrays.deepEquals(expected, parameters));
    }
  }

  private static double[][] train(Graph graph) {
    try (Model own = Model.create(graph, 1);
        Trainer trainer = own.trainer(graph.node("loss"), Sgd.of(0.01));
        Dataset data = Nets.dataset(1, 300, 200, 5)) {
      trainer.fit(data, 64, 5);
      return Nets.parameters(own);
    }
  }

  @Test
  void aModelIsConsistentWhileItsGraphGrows() throws Exception {
    try (Graph growing = new Graph()) {
      growing.parameter("p", 2, Initializer.zeros());
      Future<?> builder =
          executor.submit(
              () -> {
                for (int i = 0; i < 3000; ++i) {
                  growing.parameter("p" + i, 2, Initializer.zeros());
                }
              });
      do {
        try (Model own = Model.create(growing, 1)) {
          List<Node> parameters = own.parameters();
          assertEquals(2, own.getFloats(parameters.get(parameters.size() - 1)).length);
        }
      } while (!builder.isDone());
      builder.get();
    }
  }

  @Test
  void closeWorksInAnInterruptedThread() {
    Model own = Model.create(graph, 1);
    Thread.currentThread().interrupt();
    own.close();
    assertTrue(Thread.interrupted());
    assertThrows(IllegalStateException.class, own::seed);
  }
}
