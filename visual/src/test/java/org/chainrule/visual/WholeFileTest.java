package org.chainrule.visual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files are written completely or not at all, also if several threads write the same file. */
class WholeFileTest {
  @TempDir private Path folder;

  private List<Path> files() throws Exception {
    try (var files = Files.list(folder)) {
      return files.toList();
    }
  }

  @Test
  void severalThreadsCanWriteTheSameFile() throws Exception {
    Path file = folder.resolve("file");
    List<String> texts =
        IntStream.range(0, 8).mapToObj(i -> Integer.toString(i).repeat(20_000)).toList();
    texts.parallelStream()
        .forEach(
            text -> {
              for (int i = 0; i < 25; ++i) {
                WholeFile.write(file, text);
              }
            });
    assertTrue(texts.contains(Files.readString(file)), "expected one of the texts, complete");
    assertEquals(List.of(file), files());
  }

  @Test
  void aFailedWriteLeavesNoFiles() throws Exception {
    Path taken = folder.resolve("taken");
    Files.createDirectories(taken.resolve("inner"));
    assertThrows(UncheckedIOException.class, () -> WholeFile.write(taken, "text"));
    assertEquals(List.of(taken), files());
    Path root = folder.getRoot();
    String message =
        assertThrows(UncheckedIOException.class, () -> WholeFile.write(root, "text")).getMessage();
    assertTrue(message.startsWith("cannot write " + root), message);
  }

  @Test
  void aWrittenFileHasThePermissionsOfAnyNewFile() throws Exception {
    assumeTrue(folder.getFileSystem().supportedFileAttributeViews().contains("posix"));
    Path usual = Files.createFile(folder.resolve("usual"));
    Path file = folder.resolve("file");
    WholeFile.write(file, "text");
    assertEquals(Files.getPosixFilePermissions(usual), Files.getPosixFilePermissions(file));
  }
}
