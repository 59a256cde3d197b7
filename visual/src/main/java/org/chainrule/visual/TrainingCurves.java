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
 * Records a training: loss, learning rate and throughput, and on request the gradient's norm and
 * any other number, at each epoch's end and, where epochs are long, once a second.
 *
 * <pre>{@code
 * TrainingCurves curves = new TrainingCurves(trainer).metric("accuracy", this::accuracy);
 * trainer.listener(curves).fit(data, 32, 20);
 * curves.png(Path.of("training.png"));
 * }</pre>
 *
 * <p>Used by the thread that trains; read it when {@code fit} has returned.
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
   * Records this trainer's {@code fit}, once it is its listener.
   *
   * @param trainer whose learning rate is recorded
   */
  public TrainingCurves(Trainer trainer) {
    require(trainer != null, "the trainer must not be null");
    this.trainer = trainer;
    List.of(EPOCH, LOSS, RATE, SPEED).forEach(name -> columns.put(name, new ArrayList<>()));
  }

  /**
   * Records a number of your own. A name that ends with another one, such as {@code validation
   * loss}, is drawn into the other's chart.
   *
   * @param name what it is called; new
   * @param value asked at each epoch's end, in the thread that trains
   * @return this recorder
   */
  public TrainingCurves metric(String name, DoubleSupplier value) {
    require(name != null && value != null, "a metric needs a name and a value");
    require(rows() == 0, "metrics are added before training");
    require(columns.putIfAbsent(name, new ArrayList<>()) == null, "there is already a " + name);
    metrics.put(name, value);
    return this;
  }

  /**
   * Records the norm of the gradient of all parameters together, for one batch, always the same.
   * This costs a forward and a backward pass each time.
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
    // the part of the epoch that is done, so that epochs of any length have one axis
    double epoch = progress.epoch() - 1 + (double) progress.samples() / progress.examples();
    add(SPEED, speed(progress, epoch, (now - last) * 1e-9));
    add(EPOCH, epoch);
    add(LOSS, progress.loss());
    add(RATE, trainer.learningRate());
    metrics.forEach(
        (name, value) -> add(name, progress.isEpochEnd() ? value.getAsDouble() : Double.NaN));
    last = System.nanoTime(); // what metrics cost is no part of the training's speed
  }

  /**
   * Over about a second of training, or what there is of it: a single short epoch would tell more
   * of the machine's other programs. Of a fit's first row, since the fit began.
   */
  private double speed(Progress progress, double epoch, double seconds) {
    // another fit of the same trainer begins at another of its steps
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
   * How many times something was recorded.
   *
   * @return 0 or more
   */
  public int rows() {
    return columns.get(EPOCH).size();
  }

  /**
   * The names of what is recorded.
   *
   * @return {@code epoch}, {@code loss}, {@code learning rate}, {@code samples/s}, then your own
   */
  public List<String> names() {
    return List.copyOf(columns.keySet());
  }

  /**
   * A recorded column.
   *
   * @param name one of {@link #names}
   * @return a value for each row; NaN where a metric was not asked
   */
  public double[] values(String name) {
    require(columns.containsKey(name), "there is no " + name + ", but " + names());
    return columns.get(name).stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** The names of each chart's lines, by its title. */
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
   * Writes all rows as comma-separated values, the names in the first line.
   *
   * @param file where; an old file is replaced
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

  /** As RFC 4180 quotes: names may hold anything. */
  private static String quoted(String name) {
    boolean plain =
        name.chars().allMatch(c -> Character.isLetterOrDigit(c) || " _-/.".indexOf(c) >= 0);
    return plain ? name : "\"" + name.replace("\"", "\"\"") + "\"";
  }

  /**
   * Draws each recorded quantity over the epochs into one PNG image of several charts.
   *
   * @param file where; an old file is replaced
   */
  public void png(Path file) {
    WholeFile.write(file, new CurveCharts(this).png());
  }

  /**
   * Draws each recorded quantity over the epochs into one SVG image of several charts.
   *
   * @param file where; an old file is replaced
   */
  public void svg(Path file) {
    WholeFile.write(file, svg());
  }

  /** {@return the SVG image} */
  String svg() {
    return new CurveCharts(this).svg();
  }

  static void require(boolean holds, String sentence) {
    if (!holds) {
      throw new IllegalArgumentException("training curves: " + sentence);
    }
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%d rows of %s", rows(), names());
  }
}
