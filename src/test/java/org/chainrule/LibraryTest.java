package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.chainrule.binding.Native;
import org.junit.jupiter.api.Test;

/** Loading, diagnosis and settings of the native library. */
class LibraryTest {
  /** Calls each method that can be the first to load the native library. */
  static final class WithoutLibrary {
    private WithoutLibrary() {}

    public static void main(String[] arguments) {
      List<Runnable> first =
          List.of(
              Graph::new,
              () -> Dataset.of(1),
              () -> Model.load(Path.of("none")),
              Chainrule::diagnose,
              Chainrule::threads,
              Graph::new);
      for (Runnable call : first) {
        try {
          call.run();
          System.out.println("no exception");
        } catch (ChainruleException e) {
          System.out.println(e.getMessage());
        }
      }
    }
  }

  @Test
  void withoutTheNativeLibraryTheMessageNamesTheDependency()
      throws IOException, InterruptedException {
    String resource = "/" + Native.class.getPackageName().replace('.', '/') + "/linux-x86_64";
    List<String> without =
        Jvm.classPath().stream()
            .filter(entry -> !Files.exists(Path.of(entry + resource)))
            .filter(entry -> !entry.matches(".*chainrule-.*linux-x86_64\\.jar"))
            .toList();
    List<String> lines = Jvm.run(without, List.of(), WithoutLibrary.class).lines().toList();
    assertEquals(6, lines.size(), lines.toString());
    for (String line : lines) {
      assertTrue(
          line.startsWith(
              "cannot load the native library for linux-x86_64; is"
                  + " org.chainrule:chainrule-platform"),
          line);
    }
  }

  @Test
  void theDiagnosisDescribesTheLibrary() {
    String text = Chainrule.diagnose();
    System.out.println(text);
    for (String word :
        new String[] {
          "platform", "libjnichainrule", "OpenBLAS", "instruction set", "threads", "CUDA"
        }) {
      assertTrue(text.contains(word), text);
    }
  }

  /** Prints a plan, which shows what computes each of its products. */
  static final class PrintPlan {
    private PrintPlan() {}

    public static void main(String[] arguments) {
      try (Graph graph = Nets.classifier(300, 10, 200);
          Model model = Model.create(graph, 1);
          Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.1))) {
        System.out.println(Chainrule.diagnose());
        System.out.println(trainer.plan(64));
      } catch (ChainruleException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  private static String plan(String products) throws IOException, InterruptedException {
    return Jvm.run(
        Jvm.classPath(), List.of("-Dorg.chainrule.products=" + products), PrintPlan.class);
  }

  @Test
  void aPropertySelectsWhatComputesProducts() throws IOException, InterruptedException {
    String blas = plan("blas");
    assertTrue(blas.contains("[BLAS]") && !blas.contains("[tile kernel]"), blas);
    String own = plan("own");
    boolean baseline = Native.instruction_set().equals("baseline");
    assertEquals(!baseline, own.contains("[tile kernel]"), own);
    String unknown = plan("none");
    assertTrue(unknown.contains("expected one of [auto, blas, own], but got none"), unknown);
  }

  /** Prints the number of threads. */
  static final class PrintThreads {
    private PrintThreads() {}

    public static void main(String[] arguments) {
      System.out.println(Chainrule.threads());
    }
  }

  @Test
  void theTeamHasAtMost64Threads() throws IOException, InterruptedException {
    List<String> options = List.of("-XX:ActiveProcessorCount=100");
    assertEquals("64", Jvm.run(Jvm.classPath(), options, PrintThreads.class).strip());
  }

  @Test
  void threadsDefaultToTheAvailableProcessors() {
    int before = Chainrule.threads();
    assertEquals(Math.min(64, Runtime.getRuntime().availableProcessors()), before);
    Chainrule.threads(3);
    assertEquals(3, Chainrule.threads());
    Chainrule.threads(before);
  }
}
