package org.chainrule.benchmarks.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class TableTest {
  private static Table table() {
    Table table = new Table("Title", 1, List.of("library", "ms"));
    table.row(List.of("torch", "1.45"));
    table.row(List.of("djl", "failed"));
    table.note("A sentence.");
    return table;
  }

  @Test
  void textsAreLeftAlignedAndNumbersRightAligned() {
    assertEquals(
        """
        Title

        library      ms
        -------  ------
        torch      1.45
        djl      failed

        A sentence.
        """,
        table().text());
  }

  @Test
  void markdownHasTheSameContent() {
    assertEquals(
        """
        ### Title

        | library | ms |
        | --- | ---: |
        | torch | 1.45 |
        | djl | failed |

        A sentence.
        """,
        table().markdown());
  }

  @Test
  void aRowMustHaveAsManyCellsAsTheHeader() {
    assertEquals(
        "row: expected 2 cells, but got 1",
        assertThrows(IllegalArgumentException.class, () -> table().row(List.of("torch")))
            .getMessage());
  }
}
