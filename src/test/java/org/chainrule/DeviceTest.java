package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Devices, and the messages on a machine without a CUDA device. {@link DeviceTrainingTest} tests
 * training on a CUDA device.
 */
class DeviceTest {
  private static final String LIBRARY =
      "org/chainrule/binding/" + Loader.getPlatform() + "-gpu/libchainrule_cuda.so";

  @TempDir Path folder;

  /** Opens a CUDA device in each precision and prints the results. */
  static final class OpenCuda {
    private OpenCuda() {}

    public static void main(String[] arguments) {
      System.out.println("devices: " + Device.cudaCount());
      for (Precision precision : Precision.values()) {
        try {
          System.out.println("opened: " + Device.cuda(0, precision));
        } catch (ChainruleException e) {
          System.out.println("refused: " + e.getMessage());
        }
      }
      System.out.println(Chainrule.diagnose());
      for (String library : Loader.getLoadedLibraries().values()) {
        System.out.println("loaded: " + library);
      }
    }
  }

  private static boolean isGpuEntry(String entry) {
    return entry.endsWith("-gpu.jar") || Files.exists(Path.of(entry, LIBRARY));
  }

  /**
   * Returns the class path without Chainrule's library for GPUs. Of a folder that contains that
   * library, only the CPU's library is kept, in a copy.
   */
  private List<String> withoutGpuLibrary() throws IOException {
    List<String> entries = new ArrayList<>();
    for (String entry : Jvm.classPath()) {
      if (!isGpuEntry(entry)) {
        entries.add(entry);
        continue;
      }
      String cpu = "org/chainrule/binding/" + Loader.getPlatform() + "/libjnichainrule.so";
      if (Files.exists(Path.of(entry, cpu))) {
        Path copy = folder.resolve("native");
        Files.createDirectories(copy.resolve(cpu).getParent());
        Files.copy(Path.of(entry, cpu), copy.resolve(cpu));
        entries.add(copy.toString());
      }
    }
    return entries;
  }

  private static List<String> refusals(String output) {
    List<String> refusals = output.lines().filter(line -> line.startsWith("refused: ")).toList();
    assertEquals(Precision.values().length, refusals.size(), output);
    return refusals;
  }

  @Test
  void withoutTheGpuJarTheMessageNamesTheArtifactAndTheDriver()
      throws IOException, InterruptedException {
    String output = Jvm.run(withoutGpuLibrary(), List.of(), OpenCuda.class);
    assertTrue(output.contains("devices: 0"), output);
    for (String line : refusals(output)) {
      assertTrue(line.contains("the artifact org.chainrule:chainrule:"), line);
      assertTrue(
          line.contains(":" + Loader.getPlatform() + "-gpu with libchainrule_cuda.so"), line);
      assertTrue(line.contains("chainrule-platform-gpu"), line);
    }
    for (String fact :
        List.of("library: none", "driver: ", "CUDA needed: 13.0", "libcublasLt.so")) {
      assertTrue(output.contains(fact), output);
    }
  }

  /** The machine has the library, but no device is visible. */
  @Test
  void withoutADriverTheMessageNamesTheDriver() throws IOException, InterruptedException {
    assumeTrue(
        Jvm.classPath().stream().anyMatch(DeviceTest::isGpuEntry),
        "the library for GPUs was not built: mvn -Djavacpp.platform.extension=-gpu builds it");
    assumeTrue(Device.cudaCount() == 0, "this machine has a CUDA device");
    String output = Jvm.run(Jvm.classPath(), List.of(), OpenCuda.class);
    for (String line : refusals(output)) {
      assertTrue(line.startsWith("refused: cuda: no device can be used: "), line);
      assertFalse(line.contains("the artifact"), line);
      assertTrue(line.contains("driver"), line);
    }
    assertTrue(output.contains("problem: "), output);
    assertFalse(output.contains("loaded: libcuda"), output);
  }

  @Test
  void trainingOnTheCpuDoesNotLoadCuda() throws IOException, InterruptedException {
    String output = Jvm.run(Jvm.classPath(), List.of(), TrainOnTheCpu.class);
    assertTrue(output.contains("trained"), output);
    assertFalse(output.contains("cuda"), output);
    assertFalse(output.contains("cublas"), output);
  }

  /** Trains on the CPU and prints which CUDA libraries the process has mapped. */
  static final class TrainOnTheCpu {
    private TrainOnTheCpu() {}

    public static void main(String[] arguments) throws IOException {
      try (Graph graph = Nets.classifier(4, 8, 3);
          Model model = Model.create(graph, 1, Device.cpu());
          Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1))) {
        trainer.step(Nets.batch(2, 16, 4, 8));
        System.out.println("trained on " + model.device());
      }
      Files.lines(Path.of("/proc/self/maps"))
          .filter(line -> line.matches(".*lib(cuda|cublas|chainrule_cuda).*"))
          .forEach(System.out::println);
    }
  }

  @Test
  void tuningTheCpuIsRefused() {
    Path file = folder.resolve("products.txt");
    var thrown = assertThrows(IllegalStateException.class, () -> Device.cpu().tuned(file));
    assertTrue(thrown.getMessage().startsWith("tuned: expected a CUDA device"), thrown.toString());
    assertFalse(Files.exists(file));
    assertEquals(List.of(), Device.cpu().tunedProducts());
    assertThrows(IllegalArgumentException.class, () -> Device.cpu().tuned(null));
  }

  @Test
  void tuningWithoutADeviceIsRefusedAndWritesNoFile() {
    assumeTrue(Device.cudaCount() == 0, "this machine has a CUDA device");
    Path file = folder.resolve("products.txt");
    var thrown = assertThrows(ChainruleException.class, () -> Device.cuda(0).tuned(file));
    assertTrue(thrown.getMessage().startsWith("cuda: no device can be used: "), thrown.toString());
    assertFalse(Files.exists(file));
  }

  @Test
  void modelsReportTheirDevice() {
    Path file = folder.resolve("model.safetensors");
    try (Graph graph = Nets.classifier(4, 8, 3);
        Model model = Model.builder(graph).seed(7).device(Device.cpu()).build();
        Model created = Model.create(graph, 7, Device.cpu());
        Model snapshot = model.snapshot()) {
      assertSame(Device.cpu(), model.device());
      assertSame(Device.cpu(), snapshot.device());
      assertTrue(model.toString().contains("parameters on cpu"), model.toString());
      model.save(file);
      try (Model loaded = Model.load(file, Device.cpu())) {
        assertSame(Device.cpu(), loaded.device());
        for (Node parameter : model.parameters()) {
          Node same = loaded.graph().node(parameter.name());
          assertArrayEquals(model.getFloats(parameter), loaded.getFloats(same));
          assertArrayEquals(model.getFloats(parameter), created.getFloats(parameter));
        }
      }
      assertThrows(IllegalArgumentException.class, () -> Model.builder(graph).device(null));
    }
  }

  @Test
  void aClosedModelRefusesCalls() {
    Path file = folder.resolve("training.safetensors");
    try (Graph graph = Nets.classifier(4, 8, 3)) {
      Model model = Model.create(graph, 1, Device.cpu());
      try (Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1))) {
        trainer.save(file);
      }
      try (Trainer resumed = Trainer.resume(file, Device.cpu())) {
        assertSame(Device.cpu(), resumed.model().device());
      }
      model.close();
      assertSame(Device.cpu(), model.device());
      Map<String, Runnable> calls =
          Map.of(
              "snapshot", model::snapshot,
              "predictor", () -> model.predictor(graph.node("logits")),
              "trainer", () -> model.trainer(graph.node("loss"), Sgd.of(0.1)),
              "resume", () -> Trainer.resume(model, file));
      calls.forEach(
          (name, call) -> {
            var thrown = assertThrows(IllegalStateException.class, call::run, name);
            assertTrue(thrown.getMessage().contains("the model is closed"), thrown.getMessage());
          });
    }
  }
}
