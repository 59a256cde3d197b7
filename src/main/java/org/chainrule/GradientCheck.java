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
 * Tells whether the gradients of the backward pass are those of the loss, for any graph: after an
 * operation of your own ({@link CustomOperation}), or when training does not do what it should.
 *
 * <pre>{@code
 * GradientCheck.Report report = GradientCheck.of(model, loss).run(batch);
 * System.out.println(report);
 * assert report.passed();
 * }</pre>
 *
 * <p>In a direction d the loss has the derivative g · d, g being the gradient. It is compared with
 * the loss at five points on the line, in random directions of all parameters and inputs together,
 * of each for itself, and for single elements of each; where one differs, the element that differs
 * most is looked for. Everything is computed in {@code double}, with a copy of the model's
 * parameters of the moment: the model is not touched, and may be one of floats.
 *
 * <p>Where a rule changes its formula, as ReLU at 0, there is no derivative to compare with. That
 * is recognised and reported as a kink, not as a fault; for operations of your own by one-sided
 * differences that keep their distance. A derivative so small beside the loss that a gradient of
 * zero would agree as well tells nothing, and is reported as too weak.
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
   * For a check of the gradients of a loss.
   *
   * @param model whose parameters and nodes
   * @param loss a scalar
   * @return a check with 3 directions, 3 elements and a tolerance of 1e-6
   */
  public static GradientCheck of(Model model, Node loss) {
    Check.notNull(model, "GradientCheck", "model");
    model.nodes().id("GradientCheck", loss);
    return new GradientCheck(model, loss);
  }

  /**
   * Sets how many random directions are tried in all parameters and inputs together; there is one
   * more in each for itself.
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
   * Sets how many single elements of each parameter and input are tried: the one with the largest
   * derivative, then random ones.
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
   * Tries this element too. {@link #run} refuses it if the batch does not have it, or if the loss
   * does not depend on the node.
   *
   * @param node a parameter or an input
   * @param row of a parameter; of an input, the sample
   * @param column of a parameter; of an input, the feature
   * @return this check
   */
  public GradientCheck at(Node node, long row, long column) {
    chosen.add(new Chosen(model.nodes().id("at", node), row, column));
    return this;
  }

  /**
   * Sets what relative error is too large. A correct gradient is usually within 1e-9.
   *
   * @param tolerance above 0, finite
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
   * Checks on a batch.
   *
   * @param batch values for all data nodes that the loss depends on; pointers must be to doubles
   * @return what was found
   * @throws IllegalArgumentException if the batch does not fit, a parameter is not finite, or an
   *     element of {@link #at} is not there
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

  /** What one comparison came to. */
  public enum Verdict {
    /** Within the tolerance. */
    AGREES,
    /** The backward pass is wrong, or the loss is too rough for differences. */
    DIFFERS,
    /** A rule changes its formula here, so that there is nothing to compare with. */
    KINK,
    /** The loss or a gradient is not finite: never taken for agreement. */
    NOT_A_NUMBER,
    /** A gradient of zero would agree as well: neither agreement nor a fault. */
    TOO_WEAK
  }

  /**
   * One comparison.
   *
   * @param verdict the outcome
   * @param node the parameter or input; null for a direction in all of them
   * @param row of a parameter's element, the sample of an input's; -1 for a random direction
   * @param column of a parameter's element, the feature of an input's; -1 for a random direction
   * @param expected the derivative by differences; NaN where there is none
   * @param found the derivative by the backward pass
   * @param error the distance of both, relative to the larger or to what the differences can hide;
   *     NaN at a kink
   * @param kink the node whose rule changes its formula; null if that is not known, or there is
   *     none
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
   * What a check has found.
   *
   * @param findings each comparison
   * @param worst the one to look at first: what is not a number, else the element or direction that
   *     differs most, else the largest error; null if nothing was compared
   * @param tolerance the relative error that was allowed
   */
  public record Report(List<Finding> findings, @Nullable Finding worst, double tolerance) {
    /**
     * Whether at least one comparison agrees, and none differs or is not a number. Kinks, and what
     * is too weak to tell, do not count.
     *
     * @return false as soon as one differs or is not a number
     */
    public boolean passed() {
      return count(Verdict.AGREES) > 0 && faults() == 0;
    }

    private long faults() {
      return count(Verdict.DIFFERS) + count(Verdict.NOT_A_NUMBER);
    }

    /**
     * How many comparisons came to this.
     *
     * @param verdict an outcome
     * @return 0 or more
     */
    public long count(Verdict verdict) {
      return findings.stream().filter(finding -> finding.verdict() == verdict).count();
    }

    /** {@return the outcome, and what it is due to} */
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
                  + " %d stand at a kink, %d are too weak to tell%n",
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
