package org.chainrule;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * RMSProp: v ← αv + (1 − α)g², d = g / (√v + ε), θ ← θ − ηd; with momentum b ← μb + d, θ ← θ − ηb.
 * Centered, the gradient's variance takes the place of v: v − m² with m ← αm + (1 − α)g. Weight
 * decay adds λθ to g. T. Tieleman, G. Hinton, 2012; centered: A. Graves, 2013. As in PyTorch, with
 * ε outside the root.
 *
 * @param learningRate η, 0 or more
 * @param alpha α, the factor of the moving averages, at least 0 and less than 1
 * @param epsilon ε, positive
 * @param weightDecay λ, 0 or more
 * @param momentum μ, at least 0 and less than 1
 * @param centered whether g is divided by its deviation instead of its root mean square
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
   * Checks the numbers.
   *
   * @param learningRate η, 0 or more
   * @param alpha α, at least 0 and less than 1
   * @param epsilon ε, positive
   * @param weightDecay λ, 0 or more
   * @param momentum μ, at least 0 and less than 1
   * @param centered whether g is divided by its deviation instead of its root mean square
   * @throws IllegalArgumentException if one is out of its range
   */
  public Rmsprop {
    Check.optimizer("Rmsprop", learningRate, weightDecay);
    Check.factor("Rmsprop", "alpha", alpha);
    Check.positive("Rmsprop", "epsilon", epsilon);
    Check.factor("Rmsprop", "the momentum", momentum);
  }

  /**
   * PyTorch's defaults: η = 0.01, α = 0.99, ε = 1e-8, λ = 0, no momentum, not centered.
   *
   * @return the optimizer
   */
  public static Rmsprop of() {
    return of(1e-2);
  }

  /**
   * PyTorch's defaults but for the learning rate: α = 0.99, ε = 1e-8, λ = 0, no momentum, not
   * centered.
   *
   * @param learningRate η, 0 or more
   * @return the optimizer
   */
  public static Rmsprop of(double learningRate) {
    return new Rmsprop(learningRate, 0.99, 1e-8, 0, 0, false);
  }

  /**
   * The same with this factor of the moving averages.
   *
   * @param alpha α, at least 0 and less than 1
   * @return a new optimizer
   */
  public Rmsprop alpha(double alpha) {
    return new Rmsprop(learningRate, alpha, epsilon, weightDecay, momentum, centered);
  }

  /**
   * The same with this summand of the denominator.
   *
   * @param epsilon ε, positive
   * @return a new optimizer
   */
  public Rmsprop epsilon(double epsilon) {
    return new Rmsprop(learningRate, alpha, epsilon, weightDecay, momentum, centered);
  }

  /**
   * The same with this weight decay.
   *
   * @param weightDecay λ, 0 or more; added to the gradient
   * @return a new optimizer
   */
  public Rmsprop weightDecay(double weightDecay) {
    return new Rmsprop(learningRate, alpha, epsilon, weightDecay, momentum, centered);
  }

  /**
   * The same with this momentum.
   *
   * @param momentum μ, at least 0 and less than 1
   * @return a new optimizer
   */
  public Rmsprop momentum(double momentum) {
    return new Rmsprop(learningRate, alpha, epsilon, weightDecay, momentum, centered);
  }

  /**
   * The same, centered or not.
   *
   * @param centered whether g is divided by its deviation instead of its root mean square
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
