package org.chainrule;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Programs that {@link MemoryTest} runs in separate JVMs. They print {@code name=number}. */
final class MemoryCheck {
  private static final int SIZE = 8;
  private static final int FEATURES = 16;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private MemoryCheck() {}

  public static void main(String[] arguments) throws IOException {
    if (arguments[0].equals("steps")) {
      steps();
    } else {
      large();
    }
  }

  private static void print(String name, long value) {
    System.out.println(name + "=" + value);
  }

  /** Returns the resident memory of this process, in bytes. */
  private static long resident() throws IOException {
    String[] pages = Files.readString(Path.of("/proc/self/statm")).split(" ");
    return Long.parseLong(pages[1]) * 4096;
  }

  private static void cycle(Graph graph, Batch batch, float[] in, float[] out) {
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Adam.of());
        Predictor predictor = model.predictor(graph.node("logits"));
        Dataset data = Nets.dataset(1, 20, FEATURES, 4)) {
      trainer.step(batch);
      trainer.fit(data, 8, 1);
      predictor.predict(in, out);
    }
  }

  /**
   * Returns the bytes that 10,000 calls allocate on the JVM's heap in this thread. This is the
   * smallest number of five rounds, because the JVM itself sometimes allocates a little while it
   * compiles.
   */
  private static long allocated(Runnable call) {
    long smallest = Long.MAX_VALUE;
    for (int round = 0; round < 5; ++round) {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 10_000; ++i) {
        call.run();
      }
      smallest = Math.min(smallest, THREADS.getCurrentThreadAllocatedBytes() - before);
    }
    return smallest;
  }

  private static void steps() throws IOException {
    Graph graph = Nets.classifier(FEATURES, 4, 16);
    Batch batch = Nets.batch(1, SIZE, FEATURES, 4);
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(4 * SIZE * FEATURES).order(ByteOrder.nativeOrder());
    Batch direct = Nets.batch(1, SIZE, FEATURES, 4).set("x", bytes.asFloatBuffer());
    float[] in = Nets.floats(1, SIZE * FEATURES);
    float[] out = new float[SIZE * 4];
    for (int i = 0; i < 1000; ++i) {
      cycle(graph, batch, in, out);
    }
    long bytesClosed = Chainrule.nativeBytes();
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.01));
        Predictor predictor = model.predictor(graph.node("logits"))) {
      for (int i = 0; i < 1000; ++i) {
        trainer.step(batch);
        trainer.step(direct);
        predictor.predict(in, out);
      }
      THREADS.getCurrentThreadAllocatedBytes();
      System.gc();
      long before = resident();
      long nativeBytes = Chainrule.nativeBytes();
      long allocations = Chainrule.nativeAllocations();
      long heapOfSteps = allocated(() -> trainer.step(batch));
      long heapOfDirectSteps = allocated(() -> trainer.step(direct));
      long heapOfPredictions = allocated(() -> predictor.predict(in, out));
      print("nativeAllocations", Chainrule.nativeAllocations() - allocations);
      print("nativeBytesWhileTraining", Chainrule.nativeBytes() - nativeBytes);
      print("javaBytesOfSteps", heapOfSteps);
      print("javaBytesOfDirectSteps", heapOfDirectSteps);
      print("javaBytesOfPredictions", heapOfPredictions);
      for (int i = 0; i < 10_000; ++i) {
        cycle(graph, batch, in, out);
      }
      System.gc();
      print("residentGrowth", resident() - before);
    }
    print("nativeBytesLeft", Chainrule.nativeBytes() - bytesClosed);
  }

  /** Trains a model with parameters of 1 GiB. */
  private static void large() {
    int width = 16 * 1024;
    Graph graph = new Graph();
    Node x = graph.input("x", width);
    Node target = graph.target("target", width);
    Node weight = graph.parameter("weight", width, width, Initializer.glorotUniform());
    Node loss = graph.meanSquaredError(graph.linear(x, weight), target);
    Batch batch =
        new Batch(2).set(x, Nets.floats(1, 2 * width)).set(target, Nets.floats(2, 2 * width));
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(loss, Sgd.of(0.5));
        Predictor predictor = model.predictor(loss)) {
      double first = trainer.step(batch);
      double second = trainer.step(batch);
      print("parameterBytes", 4 * model.parameterCount());
      print("improved", second < first && predictor.predict(batch)[0] < second ? 1 : 0);
    }
    print("nativeBytesLeft", Chainrule.nativeBytes());
  }
}
