package org.chainrule.benchmarks.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassPathTest {
  private static final Variant CHAINRULE = Variant.ALL.get(0);
  private static final Variant WITH_MKL = Variant.ALL.get(2);

  @Test
  void onlyJarsThatAnApplicationWouldShipAreCounted() {
    for (String jar :
        List.of(
            "openblas-0.3.31-1.5.13-linux-x86_64.jar",
            "openblas-0.3.31-1.5.13.jar",
            "mkl-2025.3-1.5.13-linux-x86_64-redist.jar",
            "nd4j-native-1.0.0-M2.1-linux-x86_64.jar")) {
      assertTrue(ClassPath.counts(jar), jar);
    }
    for (String jar :
        List.of(
            "openblas-0.3.31-1.5.13-windows-x86_64.jar",
            "openblas-0.3.31-1.5.13-linux-arm64.jar",
            "nd4j-native-1.0.0-M2.1-linux-ppc64le.jar",
            "pytorch-native-cpu-2.7.1-osx-aarch64.jar",
            "jmh-core-1.37.jar",
            "chainrule-benchmarks-harness-0.1.0-SNAPSHOT.jar")) {
      assertFalse(ClassPath.counts(jar), jar);
    }
  }

  @Test
  void theClassPathFilesOfModulesAreRead(@TempDir Path folder) throws IOException {
    ClassPath classPath = new ClassPath(folder);
    assertFalse(classPath.isBuilt(CHAINRULE));
    Path jar = Files.write(folder.resolve("a.jar"), new byte[3]);
    Path mkl = Files.write(folder.resolve("mkl.jar"), new byte[5]);
    write(folder, "chainrule", jar);
    assertTrue(classPath.isBuilt(CHAINRULE));
    assertFalse(classPath.isBuilt(WITH_MKL));
    write(folder, "mkl", mkl);
    assertTrue(classPath.isBuilt(WITH_MKL));
    assertEquals(List.of(3L, 5L), classPath.sizes(WITH_MKL));
    assertTrue(classPath.of(CHAINRULE).endsWith(File.pathSeparator + jar));
  }

  private static void write(Path folder, String module, Path jar) throws IOException {
    Path target = Files.createDirectories(folder.resolve(module).resolve("target"));
    Files.writeString(target.resolve("classpath.txt"), jar + "\n");
  }
}
