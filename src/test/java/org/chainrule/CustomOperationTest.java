package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Operations written in Java, which the core calls during a step. */
@Tag("checkjni")
class CustomOperationTest {
  private static final DoubleUnaryOperator TANH = Math::tanh;
  private static final DoubleUnaryOperator TANH_SLOPE = z -> 1 - Math.tanh(z) * Math.tanh(z);

  private static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  @AfterEach
  void unregister() {
    CustomOperation.unregister("test_tanh");
  }

  /** x → linear → f → linear → f → loss, where f is the core's tanh or a custom tanh in Java. */
  private static Graph network(boolean custom) {
    Graph graph = new Graph();
    Node a = graph.input("x", 6);
    for (int width : new int[] {9, 4}) {
      Node z = a.linear(width);
      a = custom ? graph.custom(z, "test_tanh").named("f" + width) : z.tanh();
    }
    Node t = graph.target("t", 4);
    graph.squaredError(a, t).named("loss");
    return graph;
  }

  private static Batch batch(long seed) {
    return new Batch(5).set("x", Nets.floats(seed, 30)).set("t", Nets.floats(seed + 1, 20));
  }

  private static final List<Optimizer> OPTIMIZERS =
      List.of(
          Sgd.of(0.1),
          Sgd.of(0.1).momentum(0.9),
          Sgd.of(0.1).momentum(0.9).nesterov(true).weightDecay(0.01),
          Adam.of(0.01),
          AdamW.of(0.01));

  @Test
  void trainsLikeTheBuiltInOperation() {
    CustomOperation.register("test_tanh", TANH, TANH_SLOPE);
    for (Optimizer optimizer : OPTIMIZERS) {
      try (Graph ours = network(false);
          Graph theirs = network(true);
          Model a = Model.builder(ours).seed(1).dataType(DataType.DOUBLE).build();
          Model b = Model.builder(theirs).seed(1).dataType(DataType.DOUBLE).build();
          Trainer p = a.trainer(ours.node("loss"), optimizer);
          Trainer q = b.trainer(theirs.node("loss"), optimizer)) {
        for (int i = 0; i < 20; ++i) {
          assertEquals(p.step(batch(i)), q.step(batch(i)), 1e-12);
        }
        double[][] expected = Nets.parameters(a);
        double[][] got = Nets.parameters(b);
        for (int i = 0; i < expected.length; ++i) {
          assertArrayEquals(expected[i], got[i], 1e-11);
        }
      }
    }
  }

  @Test
  void predictsInSeveralThreads() throws Exception {
    CustomOperation.register("test_tanh", TANH, TANH_SLOPE);
    try (Graph graph = network(true);
        Model model = Model.create(graph, 1);
        Predictor predictor = model.predictor(graph.node("f4"))) {
      float[] x = Nets.floats(3, 3000 * 6);
      float[] expected = predictor.predict(x);
      AtomicInteger same = new AtomicInteger();
      Thread[] threads = new Thread[4];
      for (int i = 0; i < threads.length; ++i) {
        threads[i] =
            new Thread(
                () -> {
                  assertArrayEquals(expected, predictor.predict(x));
                  same.incrementAndGet();
                });
        threads[i].start();
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(threads.length, same.get());
    }
  }

  /** Whichever call fails, the step throws its exception and changes nothing. */
  @Test
  void anExceptionAbortsTheStepBeforeAnyUpdate() {
    AtomicInteger calls = new AtomicInteger();
    int[] failing = {-1};
    CustomOperation.register(
        "test_tanh",
        new CustomOperation() {
          private void count() {
            if (calls.getAndIncrement() == failing[0]) {
              throw new Failure();
            }
          }

          @Override
          public void forward(double[] z, double[] a) {
            count();
            for (int i = 0; i < z.length; ++i) {
              a[i] = Math.tanh(z[i]);
            }
          }

          @Override
          public void backward(double[] delta, double[] z, double[] a, double[] dInput) {
            count();
            for (int i = 0; i < z.length; ++i) {
              dInput[i] = delta[i] * (1 - a[i] * a[i]);
            }
          }
        });
    for (Optimizer optimizer : OPTIMIZERS) {
      try (Graph graph = network(true);
          Model model = Model.create(graph, 1);
          Model twin = Model.create(graph, 1);
          Trainer trainer = model.trainer(graph.node("loss"), optimizer);
          Trainer other = twin.trainer(graph.node("loss"), optimizer)) {
        Batch batch = batch(7);
        trainer.step(batch);
        other.step(batch);
        for (int call = 0; call < 4; ++call) { // two forward, two backward
          calls.set(0);
          failing[0] = call;
          double[][] before = Nets.parameters(model);
          Failure failure = assertThrows(Failure.class, () -> trainer.step(batch));
          assertTrue(failure.getStackTrace().length > 0);
          assertEquals(call + 1, calls.get());
          assertArrayEquals(before, Nets.parameters(model));
          assertEquals(1, trainer.steps());
        }
        failing[0] = -1;
        assertEquals(other.step(batch), trainer.step(batch)); // the optimizer state is unchanged
        assertEquals(other.step(batch), trainer.step(batch));
        assertArrayEquals(Nets.parameters(twin), Nets.parameters(model));
      }
    }
  }

  @Test
  void errorsAreThrownUnchanged() {
    CustomOperation.register(
        "test_tanh",
        z -> {
          throw new StackOverflowError("deep");
        },
        TANH_SLOPE);
    try (Graph graph = network(true);
        Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Adam.of(0.1));
        Dataset data = Dataset.of(20).with("x", Nets.floats(1, 120)).with("t", Nets.floats(2, 80));
        Predictor predictor = model.predictor(graph.node("f4"))) {
      assertThrows(StackOverflowError.class, () -> trainer.evaluate(batch(1)));
      assertThrows(StackOverflowError.class, () -> trainer.gradients(batch(1)));
      assertThrows(StackOverflowError.class, () -> trainer.statistics(batch(1)));
      assertThrows(StackOverflowError.class, () -> trainer.fit(data, 5, 1));
      assertThrows(StackOverflowError.class, () -> predictor.predict(Nets.floats(1, 6)));
      CustomOperation.register("test_tanh", TANH, TANH_SLOPE); // existing models use the new one
      trainer.fit(data, 5, 1);
    }
  }

  @Test
  void cannotUseTheLibraryDuringItsOwnCall() {
    Model[] used = new Model[1];
    CustomOperation.register("test_tanh", z -> used[0].seed(), TANH_SLOPE);
    try (Graph graph = network(true);
        Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Adam.of(0.1))) {
      used[0] = model;
      IllegalStateException refusal =
          assertThrows(IllegalStateException.class, () -> trainer.step(batch(1)));
      assertTrue(refusal.getMessage().contains("seed: a custom operation must not use"));
      used[0] = null;
      assertThrows(NullPointerException.class, () -> trainer.step(batch(1)));
    }
  }

  /** Closing inside the operation would deadlock, because it would wait for the running call. */
  @Test
  void cannotCloseObjectsDuringItsOwnCall() {
    assertTimeoutPreemptively(Duration.ofSeconds(60), this::closeWithin);
  }

  private void closeWithin() {
    NativeObject[] closed = new NativeObject[1];
    DoubleUnaryOperator closing =
        z -> {
          closed[0].close();
          return z;
        };
    CustomOperation.register("test_tanh", TANH, TANH_SLOPE);
    try (Graph graph = network(true);
        Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Adam.of(0.1));
        Dataset data = Dataset.of(20).with("x", Nets.floats(1, 120)).with("t", Nets.floats(2, 80));
        Predictor predictor = model.predictor(graph.node("f4"))) {
      for (NativeObject object : List.of(graph, model, trainer, data, predictor)) {
        closed[0] = object;
        CustomOperation.register("test_tanh", closing, TANH_SLOPE);
        refusesToClose(() -> trainer.step(batch(1)));
        refusesToClose(() -> trainer.fit(data, 5, 1));
        refusesToClose(() -> predictor.predict(Nets.floats(1, 6)));
        CustomOperation.register("test_tanh", TANH, closing);
        refusesToClose(() -> trainer.step(batch(1)));
      }
      CustomOperation.register("test_tanh", TANH, TANH_SLOPE);
      trainer.fit(data, 5, 1); // nothing was closed
      assertEquals(4, predictor.predict(Nets.floats(1, 6)).length);
    }
  }

  private static void refusesToClose(Runnable call) {
    IllegalStateException refusal = assertThrows(IllegalStateException.class, call::run);
    assertTrue(refusal.getMessage().startsWith("close: "), refusal.getMessage());
  }

  @Test
  void elementsThatAreNotWrittenAreNan() {
    boolean[] skips = new boolean[2];
    CustomOperation.register(
        "test_tanh",
        new CustomOperation() {
          @Override
          public void forward(double[] z, double[] a) {
            for (int i = skips[0] ? 1 : 0; i < z.length; ++i) {
              a[i] = Math.tanh(z[i]);
            }
          }

          @Override
          public void backward(double[] delta, double[] z, double[] a, double[] dInput) {
            for (int i = skips[1] ? 1 : 0; i < z.length; ++i) {
              dInput[i] = delta[i] * (1 - a[i] * a[i]);
            }
          }
        });
    try (Graph graph = network(true);
        Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1));
        Predictor predictor = model.predictor(graph.node("f4"))) {
      float[] x = Nets.floats(3, 6);
      predictor.predict(x); // leaves finite values in a workspace of this size
      trainer.gradients(batch(1));
      skips[1] = true;
      trainer.gradients(batch(1));
      assertTrue(
          model.parameters().stream()
              .flatMapToDouble(parameter -> Arrays.stream(trainer.gradientDoubles(parameter)))
              .anyMatch(Double::isNaN));
      skips[0] = true;
      assertTrue(Float.isNaN(predictor.predict(x)[0]));
      double[][] before = Nets.parameters(model);
      assertThrows(ChainruleException.class, () -> trainer.step(batch(1)));
      assertArrayEquals(before, Nets.parameters(model));
    }
  }

  @Test
  void loadingAFileFailsUntilTheNameIsRegistered(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("custom.safetensors");
    CustomOperation.register("test_tanh", TANH, TANH_SLOPE);
    float[] expected;
    try (Graph graph = network(true);
        Model model = Model.create(graph, 1);
        Predictor predictor = model.predictor(graph.node("f4"))) {
      model.save(file);
      expected = predictor.predict(Nets.floats(3, 12));
      CustomOperation.unregister("test_tanh");
      // existing objects keep working
      assertArrayEquals(expected, predictor.predict(Nets.floats(3, 12)));
    }
    assertTrue(Files.size(file) > 0);
    ChainruleException refusal =
        assertThrows(ChainruleException.class, () -> Model.load(file).close());
    assertTrue(
        refusal.getMessage().contains("no operation is registered under the name 'test_tanh'"),
        refusal.getMessage());
    CustomOperation.register("test_tanh", TANH, TANH_SLOPE);
    try (Model model = Model.load(file);
        Predictor predictor = model.predictor(model.graph().node("f4"))) {
      assertArrayEquals(expected, predictor.predict(Nets.floats(3, 12)));
      assertEquals("test_tanh", model.graph().node("f4").operation());
      assertSame(Op.CUSTOM, model.graph().node("f4").op());
    }
  }

  @Test
  void thePlanAndTheProfileShowItsName() {
    CustomOperation.register("test_tanh", TANH, TANH_SLOPE);
    try (Graph graph = network(true);
        Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1))) {
      String plan = trainer.plan(5);
      assertTrue(plan.contains("f9 ['test_tanh']"), plan);
      assertTrue(plan.contains("d linear_3 ['test_tanh']"), plan);
      assertTrue(plan.contains("can still fail"), plan);
      assertTrue(trainer.profile(batch(1), 2).contains("['test_tanh']"));
      assertNotEquals(-1, graph.toString().indexOf("'f9' (test_tanh, [batch x 9])"));
    }
  }

  @Test
  void unknownAndInvalidNamesAreRefused() {
    try (Graph graph = new Graph()) {
      Node x = graph.input("x", 3);
      IllegalArgumentException refusal =
          assertThrows(IllegalArgumentException.class, () -> x.custom("no_such"));
      assertTrue(
          refusal.getMessage().contains("no operation is registered under the name 'no_such'"));
      assertThrows(IllegalArgumentException.class, () -> CustomOperation.register("", TANH, TANH));
      CustomOperation none = null;
      assertThrows(IllegalArgumentException.class, () -> CustomOperation.register("a", none));
    }
  }
}
