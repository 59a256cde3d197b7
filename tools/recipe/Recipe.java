import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Follows a recipe of a page: creates the files and inserts the lines that a section names, and prints the commands of its
 * sh block. Usage: java Recipe.java PAGE HEADING FOLDER.
 */
final class Recipe {
  private static final Pattern EDIT =
      Pattern.compile(
          "^(?:New file `(?<created>[^`]+)`|In `(?<edited>[^`]+)`, (?<where>after|before) the line with `(?<line>[^`]+)`):\\n\\n"
              + "```[\\w-]+\\n(?<text>.*?)^```",
          Pattern.MULTILINE | Pattern.DOTALL);
  private static final Pattern COMMANDS =
      Pattern.compile("^```sh\\n(.*?)^```", Pattern.MULTILINE | Pattern.DOTALL);

  public static void main(String[] args) throws IOException {
    String page = Files.readString(Path.of(args[0]));
    int begin = page.indexOf("\n## " + args[1] + "\n");
    if (begin < 0) {
      throw new IllegalArgumentException(args[0] + " has no heading '" + args[1] + "'");
    }
    int end = page.indexOf("\n## ", begin + 1);
    String section = page.substring(begin, end < 0 ? page.length() : end);
    Path folder = Path.of(args[2]);
    int blocks = 0;
    for (Matcher edit = EDIT.matcher(section); edit.find(); ++blocks) {
      apply(edit, folder);
    }
    Matcher commands = COMMANDS.matcher(section);
    if (!commands.find()) {
      throw new IllegalArgumentException("the section has no sh block");
    }
    // every block belongs to an edit, but for the one with commands
    long fences = section.lines().filter(line -> line.startsWith("```")).count() / 2;
    if (fences != blocks + 1) {
      throw new IllegalArgumentException(
          "expected " + (fences - 1) + " code blocks that say where they belong, but got " + blocks);
    }
    System.out.print(commands.group(1));
  }

  private static void apply(Matcher edit, Path folder) throws IOException {
    if (edit.group("created") != null) {
      Path file = folder.resolve(edit.group("created"));
      if (Files.exists(file)) {
        throw new IllegalArgumentException(file + " exists already");
      }
      Files.writeString(file, edit.group("text"));
      return;
    }
    Path file = folder.resolve(edit.group("edited"));
    List<String> lines = new ArrayList<>(Files.readAllLines(file));
    List<Integer> found = new ArrayList<>();
    for (int i = 0; i < lines.size(); ++i) {
      if (lines.get(i).contains(edit.group("line"))) {
        found.add(i);
      }
    }
    if (found.size() != 1) {
      throw new IllegalArgumentException(
          "expected one line of " + file + " with '" + edit.group("line") + "', but got " + found.size());
    }
    int at = found.get(0) + (edit.group("where").equals("after") ? 1 : 0);
    lines.addAll(at, edit.group("text").lines().toList());
    Files.write(file, lines);
  }
}
