package org.chainrule;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.chainrule.binding.Native.NativeVerdict;
import org.chainrule.binding.NativeFinding;
import org.chainrule.binding.NativeGradientCheck;
import org.jspecify.annotations.Nullable;

/**
 * Checks the gradients of the backward pass against numerical derivatives of the loss, for any
 * graph. Use it for a new {@link CustomOperation}, or if training does not work as expected.
 *
 * <pre>{@code
 * GradientCheck.Report report = GradientCheck.of(model, loss).run(batch);
 * System.out.println(report);
 * assert report.passed();
 * }</pre>
 *
 * <p>In a direction d the loss has the derivative g · d, where g is the gradient. The check
 * compares g · d with a five-point difference formula of the loss along d. The directions are
 * random in all parameters and inputs together, random in each parameter and input alone, and
 * single elements of each. If a comparison differs, the check searches for the element that differs
 * most. Everything is computed in {@code double} with a copy of the model's current parameters. The
 * model does not change, and it may have type {@code float}.
 *
 * <p>Where a rule changes its formula, such as ReLU at 0, there is no derivative to compare with.
 * The check recognises this and reports a kink instead of a fault. For custom operations the check
 * recognises a kink if the difference of the two one-sided derivatives does not shrink with the
 * distance of the points. If the derivative is so small relative to the loss that a gradient of
 * zero would also agree, the comparison is reported as too weak.
 */
public final class GradientCheck {
  private record Chosen(int node, long row, long column) {}

  private final Model model;
  private final Node loss;
  private final List<Chosen> chosen = new ArrayList<>();
  private int directions = 3;
  private int coordinates = 3;
  private double tolerance = 1e-6;
  private long seed = 1;

  private GradientCheck(Model model, Node loss) {
    this.model = model;
    this.loss = loss;
  }

  /**
   * Creates a check of the gradients of a loss.
   *
   * @param model the model that contains the loss
   * @param loss a scalar
   * @return a check with 3 directions, 3 elements per parameter and input, and a tolerance of 1e-6
   */
  public static GradientCheck of(Model model, Node loss) {
    Check.notNull(model, "GradientCheck", "model");
    model.nodes().id("GradientCheck", loss);
    return new GradientCheck(model, loss);
  }

  /**
   * Sets the number of random directions in all parameters and inputs together. The check tries one
   * more direction in each parameter and input alone.
   *
   * @param directions 0 or more
   * @return this check
   */
  public GradientCheck directions(int directions) {
    Check.that(directions >= 0, "directions", "expected 0 or more, but got ", directions);
    this.directions = directions;
    return this;
  }

  /**
   * Sets the number of single elements that are tried of each parameter and input: the element with
   * the largest derivative, then random elements.
   *
   * @param coordinates 0 or more
   * @return this check
   */
  public GradientCheck coordinates(int coordinates) {
    Check.that(coordinates >= 0, "coordinates", "expected 0 or more, but got ", coordinates);
    this.coordinates = coordinates;
    return this;
  }

  /**
   * Adds an element that {@link #run} checks in addition to the others. {@link #run} throws {@link
   * IllegalArgumentException} if the batch does not contain the element or if the loss does not
   * depend on the node.
   *
   * @param node a parameter or an input
   * @param row the row in a parameter, or the sample of an input
   * @param column the column in a parameter, or the feature of an input
   * @return this check
   */
  public GradientCheck at(Node node, long row, long column) {
    chosen.add(new Chosen(model.nodes().id("at", node), row, column));
    return this;
  }

  /**
   * Sets the largest relative error that is accepted. The error of a correct gradient is usually at
   * most 1e-9.
   *
   * @param tolerance finite and above 0
   * @return this check
   */
  public GradientCheck tolerance(double tolerance) {
    Check.that(
        tolerance > 0 && tolerance < Double.POSITIVE_INFINITY,
        "tolerance",
        "expected a finite number above 0, but got ",
        tolerance);
    this.tolerance = tolerance;
    return this;
  }

  /**
   * Sets the seed of the random directions and elements.
   *
   * @param seed any number
   * @return this check
   */
  public GradientCheck seed(long seed) {
    this.seed = seed;
    return this;
  }

  /**
   * Runs the check on a batch.
   *
   * @param batch values for all data nodes that the loss depends on; pointers must point to {@code
   *     double} values
   * @return the findings
   * @throws IllegalArgumentException if the batch does not fit the graph, a parameter is not
   *     finite, or an element of {@link #at} does not exist
   */
  public Report run(Batch batch) {
    Check.notNull(batch, "GradientCheck", "batch");
    int id = model.nodes().id("GradientCheck", loss);
    model.enter("GradientCheck");
    try {
      NativeGradientCheck check = NativeGradientCheck.create(model.handle(), id);
      try {
        new Inputs(check.inputs(), model.nodes().data(), DataType.DOUBLE)
            .fill("GradientCheck", batch);
        for (Chosen element : chosen) {
          check.choose(element.node(), element.row(), element.column());
        }
        int count = (int) check.run(batch.size(), directions, coordinates, tolerance, seed);
        return report(check, count);
      } finally {
        NativeGradientCheck.destroy(check);
      }
    } finally {
      model.exit();
      Reference.reachabilityFence(batch);
    }
  }

  private Report report(NativeGradientCheck check, int count) {
    List<Finding> findings = new ArrayList<>();
    for (int i = 0; i < count; ++i) {
      NativeFinding f = check.finding(i);
      findings.add(
          new Finding(
              verdict(f.verdict().intern()),
              node(f.node()),
              f.row(),
              f.column(),
              f.expected(),
              f.found(),
              f.error(),
              node(f.kink())));
    }
    @Nullable Finding worst = count == 0 ? null : findings.get((int) check.worst());
    return new Report(List.copyOf(findings), worst, tolerance);
  }

  private static Verdict verdict(NativeVerdict verdict) {
    return switch (verdict) {
      case agrees -> Verdict.AGREES;
      case differs -> Verdict.DIFFERS;
      case kink -> Verdict.KINK;
      case not_a_number -> Verdict.NOT_A_NUMBER;
      case too_weak -> Verdict.TOO_WEAK;
    };
  }

  private @Nullable Node node(int number) {
    return number < 0 ? null : model.nodes().all().get(number);
  }

  /** The outcome of one comparison. */
  public enum Verdict {
    /** The derivatives agree within the tolerance. */
    AGREES,
    /** The backward pass is wrong, or the loss is not smooth enough for differences. */
    DIFFERS,
    /** A rule changes its formula here, so there is no derivative to compare with. */
    KINK,
    /** The loss or a gradient is not finite. This counts as a fault. */
    NOT_A_NUMBER,
    /** A gradient of zero would also agree. This is neither agreement nor a fault. */
    TOO_WEAK
  }

  /**
   * One comparison.
   *
   * @param verdict the outcome
   * @param node the parameter or input; null for a direction in all parameters and inputs
   * @param row the row of a parameter's element or the sample of an input's element; -1 for a
   *     random direction
   * @param column the column of a parameter's element or the feature of an input's element; -1 for
   *     a random direction
   * @param expected the derivative by differences; NaN if the differences give no value
   * @param found the derivative by the backward pass
   * @param error the absolute difference of both derivatives, divided by the larger one; if both
   *     are very small, it is divided by the smallest size at which differences can detect an
   *     error; NaN at a kink
   * @param kink the node whose rule changes its formula; null if it is unknown or there is no kink
   */
  public record Finding(
      Verdict verdict,
      @Nullable Node node,
      long row,
      long column,
      double expected,
      double found,
      double error,
      @Nullable Node kink) {

    private boolean isOfTheLoss() {
      return verdict == Verdict.NOT_A_NUMBER && node == null && !Double.isFinite(found);
    }

    /** {@return one line} */
    @Override
    public String toString() {
      if (isOfTheLoss()) {
        return "the loss itself is " + found + ": there are no derivatives to compare";
      }
      String where =
          node == null
              ? "all parameters and inputs, a random direction"
              : node + (row < 0 ? ", a random direction" : " at [" + row + "][" + column + "]");
      String what =
          switch (verdict) {
            case AGREES -> "agrees";
            case DIFFERS -> "DIFFERS";
            case KINK -> "kink" + (kink == null ? "" : " of " + kink);
            case NOT_A_NUMBER -> "NOT A NUMBER";
            case TOO_WEAK -> "too weak to tell";
          };
      return Double.isNaN(error)
          ? where + ": " + what
          : String.format(
              Locale.ROOT,
              "%s: %s, expected %.9g, found %.9g, relative error %.2g",
              where,
              what,
              expected,
              found,
              error);
    }
  }

  /**
   * The result of a check.
   *
   * @param findings all comparisons
   * @param worst the finding to look at first: a finding that is not a number; otherwise the
   *     element or direction that differs most; otherwise the finding with the largest error; null
   *     if nothing was compared
   * @param tolerance the largest relative error that was accepted
   */
  public record Report(List<Finding> findings, @Nullable Finding worst, double tolerance) {
    /**
     * Returns true if at least one comparison agrees, and none differs or is not a number. Kinks
     * and comparisons that are too weak do not count.
     *
     * @return whether the check passed
     */
    public boolean passed() {
      return count(Verdict.AGREES) > 0 && faults() == 0;
    }

    private long faults() {
      return count(Verdict.DIFFERS) + count(Verdict.NOT_A_NUMBER);
    }

    /**
     * Counts the comparisons with a given outcome.
     *
     * @param verdict the outcome
     * @return the number of comparisons
     */
    public long count(Verdict verdict) {
      return findings.stream().filter(finding -> finding.verdict() == verdict).count();
    }

    /** {@return the outcome, the worst finding and all kinks} */
    @Override
    public String toString() {
      StringBuilder text = new StringBuilder();
      if (worst != null && worst.isOfTheLoss()) {
        return text.append("gradients were NOT checked: ")
            .append(worst)
            .append(System.lineSeparator())
            .toString();
      }
      text.append(
          passed()
              ? "gradients agree"
              : faults() > 0 ? "gradients do NOT agree" : "gradients were NOT checked");
      text.append(
          String.format(
              Locale.ROOT,
              ": of %d comparisons %d agree within %.2g, %d differ, %d are not numbers,"
                  + " %d are at a kink, %d are too weak to tell%n",
              findings.size(),
              count(Verdict.AGREES),
              tolerance,
              count(Verdict.DIFFERS),
              count(Verdict.NOT_A_NUMBER),
              count(Verdict.KINK),
              count(Verdict.TOO_WEAK)));
      if (worst != null) {
        text.append("worst: ").append(worst).append(System.lineSeparator());
      }
      for (Finding finding : findings) {
        if (finding.verdict() == Verdict.KINK) {
          text.append(finding).append(System.lineSeparator());
        }
      }
      return text.toString();
    }
  }
}
