package org.chainrule.samples;

import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/** The numbers of a data file, one example per row. */
record Table(double[][] rows) {
  static Table digits() {
    return read("digits.csv.gz", ',', 0);
  }

  /** Reads the irises. The first line describes the file and is skipped. */
  static Table iris() {
    return read("iris.csv", ',', 1);
  }

  /** Reads the diabetes data: ten variables, and the target as the eleventh column. */
  static Table diabetes() {
    Table variables = read("diabetes_data_raw.csv.gz", ' ', 0);
    Table target = read("diabetes_target.csv.gz", ' ', 0);
    return new Table(
        IntStream.range(0, variables.size())
            .mapToObj(i -> append(variables.rows[i], target.rows[i][0]))
            .toArray(double[][]::new));
  }

  int size() {
    return rows.length;
  }

  /** Returns a table of the given rows in the given order. */
  Table select(int[] which) {
    return new Table(Arrays.stream(which).mapToObj(i -> rows[i]).toArray(double[][]::new));
  }

  /** Returns the columns from {@code begin} (inclusive) to {@code end} (exclusive), row by row. */
  float[] floats(int begin, int end) {
    float[] values = new float[rows.length * (end - begin)];
    int next = 0;
    for (double[] row : rows) {
      for (int column = begin; column < end; ++column) {
        values[next++] = (float) row[column];
      }
    }
    return values;
  }

  /** Returns the columns from {@code begin} (inclusive) to {@code end} (exclusive), row by row. */
  double[] doubles(int begin, int end) {
    return Stream.of(rows).flatMapToDouble(row -> Arrays.stream(row, begin, end)).toArray();
  }

  /** Returns a column as class indices. */
  int[] labels(int column) {
    return Stream.of(rows).mapToInt(row -> (int) row[column]).toArray();
  }

  /**
   * Returns a table whose first {@code columns} columns are standardised: minus the mean, divided
   * by the standard deviation. Both are computed from a reference table, so that held-out rows do
   * not influence them.
   */
  Table standardized(int columns, Table reference) {
    double[][] result = Stream.of(rows).map(double[]::clone).toArray(double[][]::new);
    for (int j = 0; j < columns; ++j) {
      int column = j;
      double mean =
          Stream.of(reference.rows).mapToDouble(row -> row[column]).average().orElseThrow();
      double variance =
          Stream.of(reference.rows)
              .mapToDouble(row -> (row[column] - mean) * (row[column] - mean))
              .average()
              .orElseThrow();
      for (double[] row : result) {
        row[column] = (row[column] - mean) / Math.sqrt(variance);
      }
    }
    return new Table(result);
  }

  private static double[] append(double[] row, double value) {
    double[] longer = Arrays.copyOf(row, row.length + 1);
    longer[row.length] = value;
    return longer;
  }

  private static Table read(String name, char separator, int skip) {
    try (Reader reader = new InputStreamReader(open(name), StandardCharsets.US_ASCII);
        CsvReader<CsvRecord> csv =
            CsvReader.builder().fieldSeparator(separator).ofCsvRecord(reader)) {
      return new Table(csv.stream().skip(skip).map(Table::numbers).toArray(double[][]::new));
    } catch (IOException e) {
      throw new UncheckedIOException("the data file " + name + " cannot be read", e);
    }
  }

  private static double[] numbers(CsvRecord line) {
    return line.getFields().stream().mapToDouble(Double::parseDouble).toArray();
  }

  private static InputStream open(String name) throws IOException {
    InputStream file = Table.class.getResourceAsStream(name);
    if (file == null) {
      throw new FileNotFoundException(name + " is not on the class path");
    }
    return name.endsWith(".gz") ? new GZIPInputStream(file) : file;
  }
}
