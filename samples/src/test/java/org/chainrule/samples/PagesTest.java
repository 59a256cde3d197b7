package org.chainrule.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

/**
 * Checks every page: its Java programs run, its XML and shell commands parse, its links resolve.
 */
class PagesTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static final Path COOKBOOK = ROOT.resolve("docs/cookbook.md");

  /** For each program of the cookbook a pattern that its output must contain. */
  private static final Map<String, String> PRINTED =
      Map.of(
          "EarlyStopping", "sin\\(1\\) is about 0\\.[789]\\d",
          "Resume", "the same bits: true",
          "Schedule", "last learning rate 0\\.0122",
          "Snapshot", "the snapshot did not change: true",
          "ManyThreads", "different answers: 1",
          "Scaling", "1\\.70 m: (6[5-9]|7[0-2])\\.\\d kg",
          "Streaming", "learned: true",
          "Doubles", "21\\.0000000000");

  /** A file that a checklist of docs/extending.md creates. */
  private static final Pattern NEW_FILE = Pattern.compile("/(mish|group_norm|lion|Lion)\\.\\w+$");

  @TempDir Path folder;

  private static List<Path> pages() throws IOException {
    try (Stream<Path> top = Files.list(ROOT);
        Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
      return Stream.concat(top, docs)
          .filter(file -> file.toString().endsWith(".md"))
          .sorted()
          .toList();
    }
  }

  private static List<String> blocks(Path page, String language) throws IOException {
    return Pattern.compile("^```" + language + "\n(.*?)^```", Pattern.DOTALL | Pattern.MULTILINE)
        .matcher(Files.readString(page))
        .results()
        .map(result -> result.group(1))
        .toList();
  }

  @TestFactory
  List<DynamicTest> javaProgramsRun() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (Path page : pages()) {
      for (String source : PageExamples.of(page)) {
        if (source.startsWith("package ")) {
          continue; // a file of another module, whose own test compares it with the page
        }
        String name = PageExamples.name(source);
        tests.add(
            DynamicTest.dynamicTest(
                page.getFileName() + ": " + name,
                () -> {
                  String printed = PageExamples.run(source, folder);
                  Pattern expected = Pattern.compile(PRINTED.getOrDefault(name, ""));
                  assertTrue(expected.matcher(printed).find(), printed);
                }));
      }
    }
    assertFalse(tests.isEmpty());
    return tests;
  }

  @Test
  void everyProgramOfTheCookbookHasAnExpectedOutput() throws IOException {
    List<String> names =
        PageExamples.of(COOKBOOK).stream()
            .filter(source -> !source.startsWith("package "))
            .map(PageExamples::name)
            .sorted()
            .toList();
    assertEquals(PRINTED.keySet().stream().sorted().toList(), names);
  }

  @Test
  void xmlParses() throws Exception {
    for (Path page : pages()) {
      for (String xml : blocks(page, "xml")) {
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader("<blocks>" + xml + "</blocks>")));
      }
    }
  }

  @Test
  void shellCommandsParse() throws Exception {
    for (Path page : pages()) {
      for (String commands : blocks(page, "sh")) {
        Path script = Files.writeString(folder.resolve("commands.sh"), commands);
        Process bash =
            new ProcessBuilder("bash", "-n", script.toString()).redirectErrorStream(true).start();
        String complaints = new String(bash.getInputStream().readAllBytes());
        assertEquals(0, bash.waitFor(), page + ": " + complaints);
      }
    }
  }

  /** Files and folders that pages name in backquotes exist, and so do the targets of links. */
  @Test
  void linksResolve() throws IOException {
    List<String> broken = new ArrayList<>();
    Map<Path, List<String>> anchors = new TreeMap<>();
    for (Path page : pages()) {
      String text = Files.readString(page).replaceAll("(?ms)^```.*?^```", "");
      Matcher links = Pattern.compile("\\]\\(([^)\\s]+)\\)").matcher(text);
      while (links.find()) {
        String link = links.group(1);
        if (link.startsWith("http://") || link.startsWith("https://")) {
          continue;
        }
        String[] parts = link.split("#", 2);
        Path target = parts[0].isEmpty() ? page : page.getParent().resolve(parts[0]).normalize();
        if (!Files.exists(target)) {
          broken.add(page.getFileName() + ": " + link + " does not exist");
        } else if (parts.length == 2 && !anchors(target, anchors).contains(parts[1])) {
          broken.add(page.getFileName() + ": " + link + " has no such heading");
        }
      }
      Matcher names =
          Pattern.compile(
                  "`((?:src|docs|tools|samples|benchmarks|visual|platform|parent)/[\\w./-]+)`")
              .matcher(text);
      while (names.find()) {
        if (!Files.exists(ROOT.resolve(names.group(1)))
            && !names.group(1).contains("/target/")
            && !NEW_FILE.matcher(names.group(1)).find()) {
          broken.add(page.getFileName() + ": " + names.group(1) + " does not exist");
        }
      }
    }
    assertEquals(List.of(), broken);
  }

  /** The anchors that GitHub makes of a page's headings. */
  private static List<String> anchors(Path page, Map<Path, List<String>> known) throws IOException {
    if (!known.containsKey(page)) {
      known.put(
          page,
          Files.readString(page)
              .replaceAll("(?ms)^```.*?^```", "")
              .lines()
              .filter(line -> line.matches("#+ .*"))
              .map(line -> line.replaceFirst("#+ ", "").toLowerCase(Locale.ROOT))
              .map(line -> line.replaceAll("[^\\p{L}\\p{N} _-]", "").strip().replace(' ', '-'))
              .toList());
    }
    return known.get(page);
  }
}
