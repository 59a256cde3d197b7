package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every way to pass data to a batch gives the same loss, bit for bit. */
class BatchTest {
  private static final int SIZE = 5;
  private static final int FEATURES = 3;

  private final float[] x = Nets.floats(1, SIZE * FEATURES);
  private final int[] labels = Nets.labels(1, SIZE, 4);
  private final Graph graph = Nets.classifier(FEATURES, 4, 8);

  @AfterEach
  void close() {
    graph.close();
  }

  private static ByteBuffer direct(int bytes, ByteOrder order) {
    return ByteBuffer.allocateDirect(bytes).order(order);
  }

  private static FloatBuffer filled(FloatBuffer buffer, float[] values) {
    buffer.position(2).put(values).flip().position(2);
    return buffer;
  }

  private static DoubleBuffer filled(DoubleBuffer buffer, float[] values) {
    buffer.position(2).put(Nets.toDoubles(values)).flip().position(2);
    return buffer;
  }

  private static IntBuffer filled(IntBuffer buffer, int[] values) {
    buffer.position(2).put(values).flip().position(2);
    return buffer;
  }

  private Map<String, Batch> batches() {
    Map<String, Batch> all = new LinkedHashMap<>();
    all.put("double[]", new Batch(SIZE).set("x", Nets.toDoubles(x)).set("label", labels));
    int bytes = 8 * (x.length + 4);
    for (ByteOrder order : new ByteOrder[] {ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN}) {
      String name = "direct " + order;
      IntBuffer ints = filled(direct(bytes, order).asIntBuffer(), labels);
      all.put(
          name + " float",
          new Batch(SIZE)
              .set("x", filled(direct(bytes, order).asFloatBuffer(), x))
              .set("label", ints));
      all.put(
          name + " double",
          new Batch(SIZE)
              .set("x", filled(direct(bytes, order).asDoubleBuffer(), x))
              .set("label", ints));
    }
    all.put(
        "heap buffers",
        new Batch(SIZE)
            .set("x", filled(FloatBuffer.allocate(x.length + 4), x).slice())
            .set("label", filled(IntBuffer.allocate(SIZE + 4), labels)));
    all.put(
        "heap doubles",
        new Batch(SIZE)
            .set("x", filled(DoubleBuffer.allocate(x.length + 4), x).asReadOnlyBuffer())
            .set("label", filled(IntBuffer.allocate(SIZE + 4), labels).asReadOnlyBuffer()));
    ByteBuffer odd = direct(bytes, ByteOrder.nativeOrder()).position(1).slice();
    FloatBuffer unaligned = odd.order(ByteOrder.nativeOrder()).asFloatBuffer();
    all.put("unaligned", new Batch(SIZE).set("x", filled(unaligned, x)).set("label", labels));
    return all;
  }

  @ParameterizedTest
  @EnumSource
  void arraysAndBuffersGiveTheSameLoss(DataType type) {
    try (Model model = Model.builder(graph).seed(1).dataType(type).build();
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1))) {
      double expected =
          trainer.evaluate(new Batch(SIZE).set(graph.node("x"), x).set("label", labels));
      batches().forEach((name, batch) -> assertEquals(expected, trainer.evaluate(batch), name));
    }
  }

  @Test
  void pointersGiveTheSameLoss() {
    try (FloatPointer floats = new FloatPointer(x.length + 2);
        DoublePointer doubles = new DoublePointer(x.length);
        IntPointer ints = new IntPointer(labels)) {
      floats.position(2).put(x, 0, x.length);
      doubles.put(Nets.toDoubles(x), 0, x.length);
      for (DataType type : DataType.values()) {
        try (Model model = Model.builder(graph).seed(1).dataType(type).build();
            Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1))) {
          Batch batch = new Batch(SIZE).set("x", x).set("label", labels);
          double expected = trainer.evaluate(batch);
          batch.set("x", type == DataType.FLOAT ? floats : doubles).set("label", ints);
          assertEquals(expected, trainer.evaluate(batch), type.name());
          // an array replaces the pointer
          batch.set("x", x).set("label", labels);
          assertEquals(expected, trainer.evaluate(batch), type.name());
        }
      }
    }
  }

  @Test
  void eachCallReadsTheReferencedMemoryAgain() {
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1))) {
      float[] other = Nets.floats(8, x.length);
      Batch batch = new Batch(SIZE).set("x", other).set("label", labels);
      FloatBuffer buffer = direct(4 * x.length, ByteOrder.nativeOrder()).asFloatBuffer();
      buffer.put(0, other);
      Batch direct = new Batch(SIZE).set("x", buffer).set("label", labels);
      double expected = trainer.evaluate(batch);
      assertEquals(expected, trainer.evaluate(direct));
      System.arraycopy(x, 0, other, 0, x.length);
      buffer.put(0, x);
      double changed = trainer.evaluate(new Batch(SIZE).set("x", x).set("label", labels));
      assertEquals(changed, trainer.evaluate(batch));
      assertEquals(changed, trainer.evaluate(direct));
    }
  }

  @Test
  void batchesOfDifferentSizesCanAlternate() {
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1));
        Predictor predictor = model.predictor(graph.node("logits"))) {
      double first = trainer.evaluate(Nets.batch(1, 5, FEATURES, 4));
      for (int size : new int[] {1, 33, 2, 100, 5}) {
        trainer.evaluate(Nets.batch(2, size, FEATURES, 4));
        predictor.predict(Nets.floats(1, size * FEATURES));
      }
      assertEquals(first, trainer.evaluate(Nets.batch(1, 5, FEATURES, 4)));
    }
  }
}
