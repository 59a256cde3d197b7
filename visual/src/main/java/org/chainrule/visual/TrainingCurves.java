package org.chainrule.visual;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import org.chainrule.Batch;
import org.chainrule.FitListener;
import org.chainrule.Progress;
import org.chainrule.Trainer;

/**
 * Records a training: loss, learning rate and throughput and, on request, the norm of the gradient
 * and any other number. It adds a row at the end of each epoch and, if epochs are long, once per
 * second.
 *
 * <pre>{@code
 * TrainingCurves curves = new TrainingCurves(trainer).metric("accuracy", this::accuracy);
 * trainer.listener(curves).fit(data, 32, 20);
 * curves.png(Path.of("training.png"));
 * }</pre>
 *
 * <p>Not thread-safe. The thread that trains writes to it. Read it after {@code fit} has returned.
 */
public final class TrainingCurves implements FitListener {
  static final String EPOCH = "epoch";
  static final String LOSS = "loss";
  static final String RATE = "learning rate";
  static final String NORM = "gradient norm";
  static final String SPEED = "samples/s";

  private static final long INTERVAL = TimeUnit.SECONDS.toNanos(1);

  private final Trainer trainer;
  private final Map<String, DoubleSupplier> metrics = new LinkedHashMap<>();
  private final Map<String, List<Double>> columns = new LinkedHashMap<>();
  private long last = System.nanoTime();
  private long fitStart;
  private double since;
  private double trained;

  /**
   * Creates a recorder for a trainer. It records {@code fit} after it is set as the trainer's
   * listener.
   *
   * @param trainer the trainer whose learning rate is recorded
   */
  public TrainingCurves(Trainer trainer) {
    require(trainer != null, "the trainer must not be null");
    this.trainer = trainer;
    List.of(EPOCH, LOSS, RATE, SPEED).forEach(name -> columns.put(name, new ArrayList<>()));
  }

  /**
   * Records an additional number. If its name ends with the name of another column, such as {@code
   * validation loss}, both are drawn in one chart.
   *
   * @param name the name, which must be new
   * @param value the function that returns the number; it is called at the end of each epoch, on
   *     the thread that trains
   * @return this recorder
   */
  public TrainingCurves metric(String name, DoubleSupplier value) {
    require(name != null && value != null, "a metric needs a name and a value");
    require(rows() == 0, "expected metrics to be added before training, but got one afterwards");
    require(columns.putIfAbsent(name, new ArrayList<>()) == null, "there is already a " + name);
    metrics.put(name, value);
    return this;
  }

  /**
   * Records the norm of the gradient of all parameters together, always for the same batch. This
   * costs one forward and one backward pass per epoch.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return this recorder
   */
  public TrainingCurves gradientNorm(Batch batch) {
    require(batch != null, "the batch must not be null");
    return metric(NORM, () -> norm(trainer.gradientNorms(batch).values()));
  }

  private static double norm(Collection<Double> parts) {
    return Math.sqrt(parts.stream().mapToDouble(part -> part * part).sum());
  }

  @Override
  public void onProgress(Progress progress) {
    long now = System.nanoTime();
    if (!progress.isEpochEnd() && now - last < INTERVAL) {
      return;
    }
    // epochs as a fraction, so that rows within an epoch and at its end share one axis
    double epoch = progress.epoch() - 1 + (double) progress.samples() / progress.examples();
    add(SPEED, speed(progress, epoch, (now - last) * 1e-9));
    add(EPOCH, epoch);
    add(LOSS, progress.loss());
    add(RATE, trainer.learningRate());
    metrics.forEach(
        (name, value) -> add(name, progress.isEpochEnd() ? value.getAsDouble() : Double.NaN));
    last = System.nanoTime(); // the time of the metrics does not count as training
  }

  /**
   * Returns the throughput in samples per second. It averages over about one second of training, or
   * less if there is less, because short intervals are noisy. The first row of a fit has the
   * throughput since the fit began.
   */
  private double speed(Progress progress, double epoch, double seconds) {
    // each fit of a trainer begins at a different step
    long start = trainer.steps() - progress.steps();
    if (rows() == 0 || start != fitStart) {
      fitStart = start;
      since = epoch;
      trained = 0;
      return progress.samplesPerSecond();
    }
    trained += seconds;
    double speed = (epoch - since) * progress.examples() / trained;
    if (trained >= 1) {
      since = epoch;
      trained = 0;
    }
    return speed;
  }

  private void add(String name, double value) {
    columns.get(name).add(value);
  }

  /**
   * Returns the number of recorded rows.
   *
   * @return at least 0
   */
  public int rows() {
    return columns.get(EPOCH).size();
  }

  /**
   * Returns the names of all columns.
   *
   * @return {@code epoch}, {@code loss}, {@code learning rate}, {@code samples/s}, then the names
   *     of the added metrics
   */
  public List<String> names() {
    return List.copyOf(columns.keySet());
  }

  /**
   * Returns a recorded column.
   *
   * @param name one of {@link #names}
   * @return one value per row; NaN for a metric in a row within an epoch
   * @throws IllegalArgumentException if there is no such column
   */
  public double[] values(String name) {
    require(columns.containsKey(name), "expected one of " + names() + ", but got " + name);
    return columns.get(name).stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** Returns the names of each chart's lines by the chart's title. */
  Map<String, List<String>> charts() {
    Map<String, List<String>> charts = new LinkedHashMap<>();
    for (String name : names().subList(1, columns.size())) {
      String title =
          columns.keySet().stream()
              .filter(other -> name.endsWith(" " + other))
              .min(Comparator.comparingInt(String::length))
              .orElse(name);
      charts.computeIfAbsent(title, key -> new ArrayList<>()).add(name);
    }
    return charts;
  }

  /**
   * Writes all rows as comma-separated values. The first line contains the names.
   *
   * @param file the file, which is replaced if it exists
   */
  public void csv(Path file) {
    StringBuilder text = new StringBuilder();
    String separator = "";
    for (String name : columns.keySet()) {
      text.append(separator).append(quoted(name));
      separator = ",";
    }
    text.append('\n');
    for (int row = 0; row < rows(); ++row) {
      separator = "";
      for (List<Double> column : columns.values()) {
        double value = column.get(row);
        text.append(separator).append(Double.isNaN(value) ? "" : Double.toString(value));
        separator = ",";
      }
      text.append('\n');
    }
    WholeFile.write(file, text.toString());
  }

  /** Returns a name quoted as in RFC 4180, because names may contain any character. */
  private static String quoted(String name) {
    boolean plain =
        name.chars().allMatch(c -> Character.isLetterOrDigit(c) || " _-/.".indexOf(c) >= 0);
    return plain ? name : "\"" + name.replace("\"", "\"\"") + "\"";
  }

  /**
   * Draws each recorded quantity over the epochs, as one PNG image of several charts.
   *
   * @param file the file, which is replaced if it exists
   */
  public void png(Path file) {
    WholeFile.write(file, new CurveCharts(this).png());
  }

  /**
   * Draws each recorded quantity over the epochs, as one SVG image of several charts.
   *
   * @param file the file, which is replaced if it exists
   */
  public void svg(Path file) {
    WholeFile.write(file, svg());
  }

  /** {@return the SVG image} */
  String svg() {
    return new CurveCharts(this).svg();
  }

  static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException("training curves: " + message);
    }
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%d rows of %s", rows(), names());
  }
}
