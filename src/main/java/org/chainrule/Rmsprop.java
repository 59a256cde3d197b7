package org.chainrule;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * RMSProp: v ← αv + (1 − α)g², d = g / (√v + ε), θ ← θ − ηd. With momentum: b ← μb + d, θ ← θ − ηb.
 * The centered variant replaces v in d by the variance of the gradient, v − m², where m ← αm + (1 −
 * α)g. Weight decay adds λθ to g. As in PyTorch, ε is outside the root. See T. Tieleman, G. Hinton,
 * 2012; for the centered variant A. Graves, 2013.
 *
 * @param learningRate η, 0 or more and finite
 * @param alpha α, the factor of the moving averages, at least 0 and less than 1
 * @param epsilon ε, positive and finite
 * @param weightDecay λ, 0 or more and finite
 * @param momentum μ, at least 0 and less than 1
 * @param centered whether g is divided by its standard deviation instead of its root mean square
 */
public record Rmsprop(
    double learningRate,
    double alpha,
    double epsilon,
    double weightDecay,
    double momentum,
    boolean centered)
    implements Optimizer {
  /**
   * Creates the optimizer.
   *
   * @param learningRate η, 0 or more and finite
   * @param alpha α, at least 0 and less than 1
   * @param epsilon ε, positive and finite
   * @param weightDecay λ, 0 or more and finite
   * @param momentum μ, at least 0 and less than 1
   * @param centered whether g is divided by its standard deviation instead of its root mean square
   * @throws IllegalArgumentException if a number is out of range
   */
  public Rmsprop {
    Check.optimizer("Rmsprop", learningRate, weightDecay);
    Check.factor("Rmsprop", "alpha", alpha);
    Check.positive("Rmsprop", "epsilon", epsilon);
    Check.factor("Rmsprop", "the momentum", momentum);
  }

  /**
   * Returns an optimizer with PyTorch's defaults: η = 0.01, α = 0.99, ε = 1e-8, λ = 0, no momentum,
   * not centered.
   *
   * @return the optimizer
   */
  public static Rmsprop of() {
    return of(1e-2);
  }

  /**
   * Returns an optimizer with the given learning rate and otherwise PyTorch's defaults: α = 0.99, ε
   * = 1e-8, λ = 0, no momentum, not centered.
   *
   * @param learningRate η, 0 or more and finite
   * @return the optimizer
   */
  public static Rmsprop of(double learningRate) {
    return new Rmsprop(learningRate, 0.99, 1e-8, 0, 0, false);
  }

  /**
   * Returns a copy with another factor of the moving averages.
   *
   * @param alpha α, at least 0 and less than 1
   * @return a new optimizer
   */
  public Rmsprop alpha(double alpha) {
    return new Rmsprop(learningRate, alpha, epsilon, weightDecay, momentum, centered);
  }

  /**
   * Returns a copy with another ε, which is added to the denominator.
   *
   * @param epsilon ε, positive and finite
   * @return a new optimizer
   */
  public Rmsprop epsilon(double epsilon) {
    return new Rmsprop(learningRate, alpha, epsilon, weightDecay, momentum, centered);
  }

  /**
   * Returns a copy with another weight decay.
   *
   * @param weightDecay λ, 0 or more and finite; added to the gradient
   * @return a new optimizer
   */
  public Rmsprop weightDecay(double weightDecay) {
    return new Rmsprop(learningRate, alpha, epsilon, weightDecay, momentum, centered);
  }

  /**
   * Returns a copy with another momentum.
   *
   * @param momentum μ, at least 0 and less than 1
   * @return a new optimizer
   */
  public Rmsprop momentum(double momentum) {
    return new Rmsprop(learningRate, alpha, epsilon, weightDecay, momentum, centered);
  }

  /**
   * Returns a copy that is centered or not.
   *
   * @param centered whether g is divided by its standard deviation instead of its root mean square
   * @return a new optimizer
   */
  public Rmsprop centered(boolean centered) {
    return new Rmsprop(learningRate, alpha, epsilon, weightDecay, momentum, centered);
  }

  @Override
  public String name() {
    return "rmsprop";
  }

  @Override
  public Map<String, Double> settings() {
    Map<String, Double> map = new LinkedHashMap<>();
    map.put("learning_rate", learningRate);
    map.put("alpha", alpha);
    map.put("epsilon", epsilon);
    map.put("weight_decay", weightDecay);
    map.put("momentum", momentum);
    map.put("centered", centered ? 1.0 : 0.0);
    return Collections.unmodifiableMap(map);
  }
}
