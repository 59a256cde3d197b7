package org.chainrule;

import java.util.Map;

/**
 * Adam: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², θ ← θ − η m̂ / (√v̂ + ε), where m̂ = m / (1 −
 * β₁ᵗ), v̂ = v / (1 − β₂ᵗ) and t counts the steps from 1. Weight decay adds λθ to g. D. P. Kingma,
 * J. Ba, 2015.
 *
 * @param learningRate η, 0 or more
 * @param beta1 β₁, at least 0 and less than 1
 * @param beta2 β₂, at least 0 and less than 1
 * @param epsilon ε, positive
 * @param weightDecay λ, 0 or more
 */
public record Adam(
    double learningRate, double beta1, double beta2, double epsilon, double weightDecay)
    implements Optimizer {
  /**
   * Checks the numbers.
   *
   * @param learningRate η, 0 or more
   * @param beta1 β₁, at least 0 and less than 1
   * @param beta2 β₂, at least 0 and less than 1
   * @param epsilon ε, positive
   * @param weightDecay λ, 0 or more
   * @throws IllegalArgumentException if one is out of its range
   */
  public Adam {
    AdamSettings.check("Adam", learningRate, beta1, beta2, epsilon, weightDecay);
  }

  /**
   * PyTorch's defaults: η = 0.001, β₁ = 0.9, β₂ = 0.999, ε = 1e-8, λ = 0.
   *
   * @return the optimizer
   */
  public static Adam of() {
    return of(1e-3);
  }

  /**
   * PyTorch's defaults but for the learning rate: β₁ = 0.9, β₂ = 0.999, ε = 1e-8, λ = 0.
   *
   * @param learningRate η, 0 or more
   * @return the optimizer
   */
  public static Adam of(double learningRate) {
    return new Adam(learningRate, 0.9, 0.999, 1e-8, 0);
  }

  /**
   * The same with these factors of the moving averages.
   *
   * @param beta1 β₁, at least 0 and less than 1
   * @param beta2 β₂, at least 0 and less than 1
   * @return a new optimizer
   */
  public Adam betas(double beta1, double beta2) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay);
  }

  /**
   * The same with this summand of the denominator.
   *
   * @param epsilon ε, positive
   * @return a new optimizer
   */
  public Adam epsilon(double epsilon) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay);
  }

  /**
   * The same with this weight decay.
   *
   * @param weightDecay λ, 0 or more; added to the gradient
   * @return a new optimizer
   */
  public Adam weightDecay(double weightDecay) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay);
  }

  @Override
  public String name() {
    return "adam";
  }

  @Override
  public Map<String, Double> settings() {
    return AdamSettings.map(learningRate, beta1, beta2, epsilon, weightDecay);
  }
}
