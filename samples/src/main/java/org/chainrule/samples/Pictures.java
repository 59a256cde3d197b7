package org.chainrule.samples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.chainrule.draw.Drawing;
import org.chainrule.visual.drawings.Svg;

/** Draws the pictures of docs/drawing.md, each as Mermaid, DOT and SVG. */
public final class Pictures {
  /** The folder of the pictures, relative to this module's folder. */
  static final Path FOLDER = Path.of("..", "docs", "pictures");

  private Pictures() {}

  /**
   * Draws all pictures.
   *
   * @param args the folder, by default docs/pictures
   * @throws IOException if a file cannot be written
   */
  public static void main(String[] args) throws IOException {
    Path folder = args.length > 0 ? Path.of(args[0]) : FOLDER;
    Files.createDirectories(folder);
    for (Map.Entry<String, String> file : files().entrySet()) {
      Files.writeString(folder.resolve(file.getKey()), file.getValue());
    }
    Score.print("%d files in %s", files().size(), folder.toAbsolutePath().normalize());
  }

  /** Returns the text of each file by its name. */
  static Map<String, String> files() {
    Map<String, String> files = new TreeMap<>();
    for (Map.Entry<String, Drawing> entry : Gallery.drawings().entrySet()) {
      files.put(entry.getKey() + ".mmd", entry.getValue().toMermaid());
      files.put(entry.getKey() + ".dot", entry.getValue().toDot());
      files.put(entry.getKey() + ".svg", Svg.of(entry.getValue()));
    }
    return files;
  }
}
