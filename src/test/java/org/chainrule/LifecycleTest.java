package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Closing objects, using closed objects, and objects that are never closed. */
@Tag("checkjni")
class LifecycleTest {
  private final Graph graph = Nets.classifier(3, 4, 8);
  private final Batch batch = Nets.batch(1, 5, 3, 4);

  private static void closed(String what, Executable call) {
    String message = assertThrows(IllegalStateException.class, call).getMessage();
    assertTrue(message.contains("the " + what + " is closed"), message);
  }

  @Test
  void closingTwiceDoesNothing() {
    Model model = Model.create(graph, 1);
    Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1));
    Predictor predictor = model.predictor(graph.node("logits"));
    Dataset data = Nets.dataset(1, 10, 3, 4);
    for (AutoCloseable object : List.of(model, trainer, predictor, data, graph)) {
      for (int i = 0; i < 3; ++i) {
        assertDoesNotThrow(object::close);
      }
    }
  }

  @Test
  void closedObjectsRefuseCalls() {
    Model model = Model.create(graph, 1);
    Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1));
    Predictor predictor = model.predictor(graph.node("logits"));
    Dataset data = Nets.dataset(1, 10, 3, 4);
    Node bias = graph.node("logits.bias");
    data.close();
    closed("data set", () -> data.with("more", new float[10]));
    closed("data set", () -> trainer.fit(data, 5, 1));
    trainer.close();
    closed("trainer", () -> trainer.step(batch));
    closed("trainer", () -> trainer.evaluate(batch));
    closed("trainer", () -> trainer.gradients(batch));
    closed("trainer", () -> trainer.gradient(bias));
    closed("trainer", () -> trainer.steps());
    closed("trainer", () -> trainer.plan(1));
    closed("trainer", () -> trainer.learningRate(1));
    predictor.close();
    closed("predictor", () -> predictor.predict(new float[3]));
    closed("predictor", () -> predictor.predict(batch));
    model.close();
    closed("model", () -> model.getFloats(bias));
    closed("model", () -> model.set(bias, new float[4]));
    closed("model", () -> model.snapshot());
    closed("model", () -> model.seed());
    closed("model", () -> model.predictor(bias));
    closed("model", () -> model.trainer(graph.node("loss"), Sgd.of(1)));
    graph.close();
    closed("graph", () -> graph.input("late", 2));
    closed("graph", () -> graph.node("x").relu());
    closed("graph", () -> Model.create(graph, 1));
  }

  @Test
  void aClosedModelStopsItsTrainersAndPredictors() {
    Model model = Model.create(graph, 1);
    try (Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1));
        Predictor predictor = model.predictor(graph.node("logits"))) {
      trainer.step(batch);
      model.close();
      closed("model", () -> trainer.step(batch));
      closed("model", () -> predictor.predict(new float[3]));
    }
  }

  @Test
  void aModelOutlivesItsGraph() {
    Graph own = Nets.classifier(3, 4, 8);
    try (Model model = Model.create(own, 1)) {
      own.close();
      try (Predictor predictor = model.predictor(own.node("logits"))) {
        assertEquals(4, predictor.predict(new float[3]).length);
      }
    }
  }

  @Test
  void aSnapshotDoesNotChange() {
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1))) {
      double[][] before = Nets.parameters(model);
      Model snapshot = model.snapshot();
      trainer.step(batch);
      assertArrayEquals(before, Nets.parameters(snapshot));
      model.close();
      assertArrayEquals(before, Nets.parameters(snapshot));
      snapshot.close();
    }
  }

  @Test
  void aListenerCannotCloseItsTrainerOrCallFit() {
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1));
        Dataset data = Nets.dataset(1, 10, 3, 4)) {
      trainer.listener(progress -> trainer.close());
      String message =
          assertThrows(IllegalStateException.class, () -> trainer.fit(data, 5, 3)).getMessage();
      assertTrue(message.contains("fit"), message);
      trainer.listener(progress -> trainer.fit(data, 5, 1));
      assertThrows(IllegalStateException.class, () -> trainer.fit(data, 5, 3));
      trainer.listener(null);
      trainer.fit(data, 5, 1);
      trainer.listener(progress -> model.close());
      closed("model", () -> trainer.fit(data, 5, 3));
    }
  }

  @Test
  void unreachableObjectsAreFreed() {
    System.gc();
    long before = Chainrule.nativeBytes();
    createUnclosedObjects();
    long deadline = System.nanoTime() + 20_000_000_000L;
    while (Chainrule.nativeBytes() > before && System.nanoTime() < deadline) {
      System.gc();
      Thread.yield();
    }
    assertTrue(
        Chainrule.nativeBytes() <= before, before + " bytes before, " + Chainrule.nativeBytes());
  }

  private static void createUnclosedObjects() {
    long before = Chainrule.nativeBytes();
    Graph graph = Nets.classifier(300, 4, 200);
    Model model = Model.create(graph, 1);
    Batch batch = Nets.batch(1, 5, 300, 4);
    model.trainer(graph.node("loss"), Sgd.of(0.1)).step(batch);
    model.predictor(graph.node("logits")).predict(new float[300]);
    Nets.dataset(1, 10, 300, 4);
    assertTrue(Chainrule.nativeBytes() > before + 200 * 300 * 4);
  }
}
