package org.chainrule.benchmarks.runner;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** A table followed by notes, as text for a terminal and as Markdown. */
final class Table {
  private final String title;
  private final List<String> header;
  private final int texts;
  private final List<List<String>> rows = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  /**
   * @param texts the number of leading columns that hold texts; the others hold numbers
   */
  Table(String title, int texts, List<String> header) {
    this.title = title;
    this.texts = texts;
    this.header = List.copyOf(header);
  }

  void row(List<String> cells) {
    if (cells.size() != header.size()) {
      throw new IllegalArgumentException(
          "row: expected " + header.size() + " cells, but got " + cells.size());
    }
    rows.add(List.copyOf(cells));
  }

  void note(String sentence) {
    notes.add(sentence);
  }

  boolean isEmpty() {
    return rows.isEmpty();
  }

  /** Returns the table for a terminal, with aligned columns. */
  String text() {
    StringBuilder text = new StringBuilder(title).append("\n\n");
    line(text, header);
    List<String> dashes = new ArrayList<>();
    for (int i = 0; i < header.size(); ++i) {
      dashes.add("-".repeat(width(i)));
    }
    line(text, dashes);
    rows.forEach(row -> line(text, row));
    notes.forEach(note -> text.append("\n").append(note));
    return text.append(notes.isEmpty() ? "" : "\n").toString();
  }

  private void line(StringBuilder text, List<String> cells) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < cells.size(); ++i) {
      String padding = " ".repeat(width(i) - cells.get(i).length());
      line.append(i == 0 ? "" : "  ");
      line.append(i < texts ? cells.get(i) + padding : padding + cells.get(i));
    }
    text.append(line.toString().stripTrailing()).append("\n");
  }

  private int width(int column) {
    Function<List<String>, Integer> length = row -> row.get(column).length();
    return Math.max(
        length.apply(header), rows.stream().map(length).max(Integer::compare).orElse(0));
  }

  /** Returns the table as Markdown. */
  String markdown() {
    StringBuilder text = new StringBuilder("### ").append(title).append("\n\n");
    text.append("| ").append(String.join(" | ", header)).append(" |\n|");
    for (int i = 0; i < header.size(); ++i) {
      text.append(i < texts ? " --- |" : " ---: |");
    }
    text.append("\n");
    for (List<String> row : rows) {
      List<String> escaped = row.stream().map(cell -> cell.replace("|", "\\|")).toList();
      text.append("| ").append(String.join(" | ", escaped)).append(" |\n");
    }
    notes.forEach(note -> text.append("\n").append(note).append("\n"));
    return text.toString();
  }
}
