package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** A wrong call throws a clear exception and changes nothing; training can continue. */
@Tag("checkjni")
class RefusalTest {
  private final Graph graph = Nets.classifier(3, 4, 8);
  private final Model model = Model.create(graph, 1);
  private final Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1));
  private final Predictor predictor = model.predictor(graph.node("logits"));
  private final Batch good = Nets.batch(1, 5, 3, 4);
  private double[][] before;

  @TempDir Path folder;

  @BeforeEach
  void saveParameters() {
    before = Nets.parameters(model);
  }

  @AfterEach
  void checkThatNothingChangedAndTrainingContinues() {
    assertArrayEquals(before, Nets.parameters(model));
    assertEquals(0, trainer.steps());
    assertTrue(trainer.step(good) > 0);
    predictor.close();
    trainer.close();
    model.close();
    graph.close();
  }

  private static void refused(
      Class<? extends RuntimeException> type, Executable call, String... words) {
    String message = assertThrows(type, call).getMessage();
    for (String word : words) {
      assertTrue(
          message.toLowerCase(Locale.ROOT).contains(word.toLowerCase(Locale.ROOT)),
          "'" + message + "' does not contain '" + word + "'");
    }
  }

  private static void refused(Executable call, String... words) {
    refused(IllegalArgumentException.class, call, words);
  }

  @Test
  void shapes() {
    Node x = graph.node("x");
    Node weight = graph.parameter("w", 5, 7, Initializer.zeros());
    Node other = graph.input("other", 4);
    refused(() -> graph.linear(x, weight), "linear", "7", "'x'");
    refused(() -> graph.add(x, other), "add", "'x'", "'other'");
    refused(() -> x.slice(2, 9), "slice", "9");
    refused(() -> graph.concat());
    refused(() -> graph.relu(graph.node("label")), "label");
    refused(() -> graph.meanSquaredError(x, graph.node("label")), "label");
    refused(() -> graph.softmaxCrossEntropy(x, graph.node("label")), "softmax_cross_entropy", "4");
    refused(() -> graph.constant("c", 2, 2, 1, 2, 3), "'c'", "2 x 2", "3");
    refused(() -> graph.constant("c", 1L << 62, 4, 1, 2, 3, 4), "'c'");
    refused(() -> graph.constant(Double.NaN), "finite");
  }

  @Test
  void names() {
    refused(() -> graph.input("x", 2), "'x'", "already");
    refused(() -> graph.input("", 2), "empty");
    refused(() -> graph.input("a\0b", 2), "character 0");
    refused(() -> graph.linear(graph.node("x"), 2, "x"), "'x'");
    refused(() -> graph.node("unknown"), "unknown");
  }

  @Test
  void sizes() {
    for (long size : new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE}) {
      refused(() -> graph.input("i", size), "input", "'i'", "" + size);
      refused(() -> graph.target("t", size), "target", "" + size);
      refused(() -> graph.label("l", size), "label", "" + size);
      refused(() -> graph.parameter("p", size, 2, Initializer.zeros()), "parameter", "" + size);
      refused(() -> graph.linear(graph.node("x"), size), "" + size);
    }
    long large = 1L << 39;
    refused(() -> graph.parameter("p", large, large, Initializer.zeros()), "parameter", "" + large);
    refused(() -> new Batch(0), "0");
    refused(() -> new Batch(-3), "-3");
    refused(() -> Dataset.of(0), "0");
    refused(() -> Dataset.of(-1), "-1");
    refused(() -> Chainrule.threads(0), "expected from 1 to 64 threads, but got 0");
    refused(() -> Chainrule.threads(65), "65");
    refused(() -> trainer.plan(0), "0");
    refused(() -> trainer.profile(new Batch(1), 0), "0");
    try (Dataset data = Nets.dataset(1, 10, 3, 4)) {
      refused(() -> trainer.fit(data, 0, 1), "0");
      refused(() -> trainer.fit(data, -2, 1), "-2");
      refused(() -> trainer.fit(data, 5, 0), "0");
      refused(() -> trainer.fitSteps(data, 5, -1), "-1");
    }
  }

  @Test
  void modelsAndBatchesLargerThanTheMemory() {
    Node w = graph.parameter("huge", 1L << 39, Initializer.zeros());
    refused(ChainruleException.class, () -> Model.create(graph, 1), "memory");
    Batch batch = new Batch(1 << 30).set("x", new float[3]);
    refused(() -> trainer.step(batch), "'x'");
    assertEquals(1L << 39, w.features());
  }

  @Test
  void nulls() {
    Node none = null;
    refused(() -> graph.input(null, 2), "null");
    refused(() -> graph.parameter("p", 2, null), "null");
    refused(() -> graph.relu(none), "null");
    refused(() -> graph.add(graph.node("x"), none), "null");
    refused(() -> graph.concat((Node[]) null), "null");
    refused(() -> graph.linear(none, 3), "null");
    refused(() -> graph.node(null), "null");
    refused(() -> graph.node("x").named(null), "null");
    refused(() -> Model.create(null, 1), "null");
    refused(() -> Model.load(null), "null");
    refused(() -> model.save(null), "null");
    refused(() -> model.getFloats(null), "null");
    refused(() -> model.set(graph.node("logits.bias"), (float[]) null), "null");
    refused(() -> model.predictor((Node[]) null), "null");
    refused(() -> model.predictor(none), "null");
    refused(() -> model.predictor(), "0");
    refused(() -> model.trainer(null, Sgd.of(1)), "null");
    refused(() -> model.trainer(graph.node("loss"), null), "null");
    refused(() -> trainer.step(null), "null");
    refused(() -> trainer.fit(null, 1, 1), "null");
    refused(() -> trainer.save(null), "null");
    refused(() -> predictor.predict((float[]) null), "null");
    refused(() -> predictor.predict(new float[3], null), "null");
    refused(() -> new Batch(1).set("x", (float[]) null), "null");
    refused(() -> new Batch(1).set((String) null, new float[1]), "null");
    try (Dataset data = Dataset.of(2)) {
      refused(() -> data.with("x", (float[]) null), "null");
      refused(() -> data.with((Node) null, new float[2]), "null");
    }
  }

  @Test
  void labelsOutOfRange() {
    for (int wrong : new int[] {4, -1, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      Batch batch = Nets.batch(1, 5, 3, 4).set("label", new int[] {0, 1, wrong, 3, 2});
      refused(() -> trainer.step(batch), "label", "" + wrong);
      refused(() -> trainer.evaluate(batch), "label", "" + wrong);
      refused(() -> trainer.gradients(batch), "label", "" + wrong);
      int[] labels = Nets.labels(1, 20, 4);
      labels[17] = wrong;
      try (Dataset data = Dataset.of(20).with("x", new float[60]).with("label", labels)) {
        refused(() -> trainer.fit(data, 4, 1), "label", "" + wrong);
      }
    }
  }

  @Test
  void lossesThatAreNotFinite() {
    for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      float[] x = Nets.floats(1, 15);
      x[7] = value;
      Batch batch = Nets.batch(1, 5, 3, 4).set("x", x);
      refused(ChainruleException.class, () -> trainer.step(batch), "loss", "no parameter");
    }
  }

  @Test
  void batchesThatDoNotFit() {
    int[] labels = new int[5];
    Batch batch = new Batch(5).set("label", labels);
    refused(() -> trainer.step(batch), "step", "'x'");
    batch.set("x", new float[14]);
    refused(() -> trainer.step(batch), "step", "'x'", "5 x 3", "14");
    batch.set("x", new int[15]);
    refused(() -> trainer.step(batch), "step", "'x'", "float", "class indices");
    batch.set("x", new float[15]).set("label", new float[5]);
    refused(() -> trainer.step(batch), "step", "'label'");
    batch.set("label", IntBuffer.allocate(4));
    refused(() -> trainer.step(batch), "step", "'label'", "4");
    batch.set("label", labels).set("x", FloatBuffer.allocate(16));
    refused(() -> trainer.step(batch), "step", "'x'", "16");
    refused(() -> batch.set("x", new BytePointer(4)), "BytePointer");
    batch.set("x", new FloatPointer());
    refused(() -> trainer.step(batch), "step", "'x'");
    try (FloatPointer pointer = new FloatPointer(15);
        DoublePointer doubles = new DoublePointer(15)) {
      batch.set("x", pointer.limit(10));
      refused(() -> trainer.step(batch), "step", "'x'", "10");
      batch.set("x", doubles);
      refused(() -> trainer.step(batch), "step", "'x'", "double");
      pointer.limit(15);
      batch.set("x", pointer);
      pointer.close();
      refused(() -> trainer.step(batch), "step", "'x'");
    }
  }

  @Test
  void predictionsThatDoNotFit() {
    refused(() -> predictor.predict(new float[4]), "3", "4");
    refused(() -> predictor.predict(new float[0]), "0");
    refused(() -> predictor.predict(new float[3], new float[5]), "4", "5");
    refused(() -> predictor.predict(good, new float[20], new float[20]), "1", "2");
    try (Predictor both = model.predictor(graph.node("logits"), graph.node("loss"))) {
      refused(() -> both.predict(new float[3]), "2");
      refused(() -> both.predict(good), "2");
      refused(() -> both.predict(good, new float[20], new float[2]), "'loss'", "2");
    }
    try (Predictor loss = model.predictor(graph.node("loss"))) {
      refused(() -> loss.predict(new float[3]), "Batch", "'label'");
    }
  }

  @Test
  void dataSets() {
    try (Dataset data = Dataset.of(10)) {
      refused(() -> data.with("x", new float[31]), "'x'", "31");
      refused(() -> data.with("x", new float[0]), "'x'", "0");
      refused(() -> data.with("label", new int[9]), "'label'", "9");
      data.with("x", new float[40]);
      refused(() -> data.with("x", new float[30]), "'x'", "already");
      refused(() -> trainer.fit(data, 5, 1), "'x'", "4");
    }
    try (Dataset data = Dataset.of(10).with("x", new float[30])) {
      refused(() -> trainer.fit(data, 5, 1), "label");
    }
    try (Dataset data = Dataset.of(10).with("x", new float[30]).with("label", new float[10])) {
      refused(() -> trainer.fit(data, 5, 1), "label");
    }
  }

  @Test
  void nodesThatAreForeignOrUnsuitable() {
    try (Graph other = Nets.classifier(3, 4, 8)) {
      refused(() -> graph.relu(other.node("x")), "another graph");
      refused(() -> model.getFloats(other.node("logits.bias")), "another graph");
      refused(() -> model.trainer(other.node("loss"), Sgd.of(1)), "another graph");
      refused(() -> model.predictor(other.node("logits")), "another graph");
    }
    Node later = graph.input("later", 2);
    refused(() -> model.predictor(later), "later");
    refused(() -> model.getFloats(graph.node("x")), "'x'", "parameter");
    refused(() -> model.trainer(graph.node("logits"), Sgd.of(1)), "'logits'");
    refused(() -> model.predictor(graph.node("label")), "'label'");
    Node bias = graph.node("logits.bias");
    refused(() -> model.set(bias, new float[3]), "'logits.bias'", "4", "3");
    assertThrows(IllegalStateException.class, () -> trainer.gradient(bias));
    trainer.gradients(good);
    refused(() -> trainer.gradient(graph.node("logits")), "'logits'");
  }

  @Test
  void optimizers() {
    refused(() -> Sgd.of(-1), "learning rate", "-1");
    refused(() -> Sgd.of(Double.NaN), "learning rate");
    refused(() -> Sgd.of(1).momentum(1), "momentum", "1");
    refused(() -> Sgd.of(1).nesterov(true), "momentum");
    refused(() -> Sgd.of(1).weightDecay(-1), "weight decay", "-1");
    refused(() -> Adam.of(1).betas(1, 0.9), "beta1", "1");
    refused(() -> Adam.of(1).betas(0.9, -0.1), "beta2", "-0.1");
    refused(() -> AdamW.of(1).epsilon(0), "epsilon", "0");
    refused(() -> Initializer.constant(Double.NaN), "finite");
    refused(() -> trainer.learningRate(-1), "learning rate", "-1");
    refused(() -> Device.cuda(-1), "-1");
    refused(() -> Device.cuda(0, null), "precision");
    refused(() -> Model.create(graph, 1, null), "device");
    refused(() -> Model.load(Path.of("none"), null), "device");
  }

  @Test
  void files() throws IOException {
    Path file = folder.resolve("model.safetensors");
    trainer.save(file);
    byte[] bytes = Files.readAllBytes(file);
    Path wrong = folder.resolve("wrong.safetensors");
    for (int length : new int[] {0, 1, 7, 8, 100, bytes.length / 2, bytes.length - 1}) {
      Files.write(wrong, Arrays.copyOf(bytes, length));
      refused(ChainruleException.class, () -> Model.load(wrong), "wrong.safetensors");
      refused(ChainruleException.class, () -> Trainer.resume(wrong), "wrong.safetensors");
    }
    for (int offset = 0; offset < bytes.length; offset += 1 + bytes.length / 97) {
      byte[] altered = bytes.clone();
      altered[offset] ^= 0x10;
      Files.write(wrong, altered);
      refused(ChainruleException.class, () -> Model.load(wrong), "wrong.safetensors");
    }
    Files.writeString(wrong, "This is a text and not a model.\n".repeat(100));
    refused(ChainruleException.class, () -> Model.load(wrong), "wrong.safetensors");
    refused(ChainruleException.class, () -> Model.load(folder), folder.getFileName().toString());
    refused(ChainruleException.class, () -> Model.load(folder.resolve("none")), "none");
    Path missing = folder.resolve("missing").resolve("model.safetensors");
    refused(ChainruleException.class, () -> model.save(missing), "missing");
    refused(ChainruleException.class, () -> trainer.save(missing), "missing");
    model.save(file);
    refused(ChainruleException.class, () -> Trainer.resume(file), "model.safetensors");
    try (var left = Files.list(folder)) {
      assertEquals(2, left.count(), "a temporary file was left");
    }
  }
}
