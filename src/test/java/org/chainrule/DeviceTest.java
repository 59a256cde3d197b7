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
 * Devices, and what is said where there is no CUDA device. {@link DeviceTrainingTest} is for where
 * one is.
 */
class DeviceTest {
  private static final String LIBRARY =
      "org/chainrule/binding/" + Loader.getPlatform() + "-gpu/libchainrule_cuda.so";

  @TempDir Path folder;

  /** Asks for a CUDA device and prints the answers. */
  static final class AskForCuda {
    private AskForCuda() {}

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

  /** The class path without Chainrule's library for GPUs: only its folder's other files stay. */
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
  void withoutTheJarForGpusTheSentenceNamesTheArtifactAndTheDriver()
      throws IOException, InterruptedException {
    String output = Jvm.run(withoutGpuLibrary(), List.of(), AskForCuda.class);
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

  /** A machine that has the library, but shows no device. */
  @Test
  void withoutADriverTheSentenceNamesWhatIsNeededAndFound()
      throws IOException, InterruptedException {
    assumeTrue(
        Jvm.classPath().stream().anyMatch(DeviceTest::isGpuEntry),
        "the library for GPUs was not built: mvn -Djavacpp.platform.extension=-gpu builds it");
    assumeTrue(Device.cudaCount() == 0, "this machine has a CUDA device");
    String output = Jvm.run(Jvm.classPath(), List.of(), AskForCuda.class);
    for (String line : refusals(output)) {
      assertTrue(line.startsWith("refused: cuda: no device can be used: "), line);
      assertFalse(line.contains("the artifact"), line);
      assertTrue(line.contains("driver"), line);
    }
    assertTrue(output.contains("problem: "), output);
    assertFalse(output.contains("loaded: libcuda"), output);
  }

  @Test
  void cudaIsNotOpenedUntilItIsAskedFor() throws IOException, InterruptedException {
    String output = Jvm.run(Jvm.classPath(), List.of(), TrainsOnTheCpu.class);
    assertTrue(output.contains("trained"), output);
    assertFalse(output.contains("cuda"), output);
    assertFalse(output.contains("cublas"), output);
  }

  /** Trains, and prints what the process has mapped. */
  static final class TrainsOnTheCpu {
    private TrainsOnTheCpu() {}

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
  void theProcessorHasNothingToTune() {
    Path file = folder.resolve("products.txt");
    var thrown = assertThrows(IllegalStateException.class, () -> Device.cpu().tuned(file));
    assertTrue(thrown.getMessage().startsWith("tuned: expected a CUDA device"), thrown.toString());
    assertFalse(Files.exists(file));
    assertEquals(List.of(), Device.cpu().tunedProducts());
    assertThrows(IllegalArgumentException.class, () -> Device.cpu().tuned(null));
  }

  @Test
  void withoutADeviceNothingIsTunedAndNoFileMade() {
    assumeTrue(Device.cudaCount() == 0, "this machine has a CUDA device");
    Path file = folder.resolve("products.txt");
    var thrown = assertThrows(ChainruleException.class, () -> Device.cuda(0).tuned(file));
    assertTrue(thrown.getMessage().startsWith("cuda: no device can be used: "), thrown.toString());
    assertFalse(Files.exists(file));
  }

  @Test
  void aModelSaysWhereItLives() {
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
  void whatIsOnAClosedModelIsRefused() {
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
