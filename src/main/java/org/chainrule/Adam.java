package org.chainrule;

import java.util.Map;

/**
 * Adam. In step t, counted from 1: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², θ ← θ − η m̂ / (√v̂ +
 * ε), where m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ). Weight decay adds λθ to g. See D. P. Kingma,
 * J. Ba, 2015.
 *
 * @param learningRate η, 0 or more and finite
 * @param beta1 β₁, at least 0 and less than 1
 * @param beta2 β₂, at least 0 and less than 1
 * @param epsilon ε, positive and finite
 * @param weightDecay λ, 0 or more and finite
 */
public record Adam(
    double learningRate, double beta1, double beta2, double epsilon, double weightDecay)
    implements Optimizer {
  /**
   * Creates the optimizer.
   *
   * @param learningRate η, 0 or more and finite
   * @param beta1 β₁, at least 0 and less than 1
   * @param beta2 β₂, at least 0 and less than 1
   * @param epsilon ε, positive and finite
   * @param weightDecay λ, 0 or more and finite
   * @throws IllegalArgumentException if a number is out of range
   */
  public Adam {
    AdamSettings.check("Adam", learningRate, beta1, beta2, epsilon, weightDecay);
  }

  /**
   * Returns an optimizer with PyTorch's defaults: η = 0.001, β₁ = 0.9, β₂ = 0.999, ε = 1e-8, λ = 0.
   *
   * @return the optimizer
   */
  public static Adam of() {
    return of(1e-3);
  }

  /**
   * Returns an optimizer with the given learning rate and otherwise PyTorch's defaults: β₁ = 0.9,
   * β₂ = 0.999, ε = 1e-8, λ = 0.
   *
   * @param learningRate η, 0 or more and finite
   * @return the optimizer
   */
  public static Adam of(double learningRate) {
    return new Adam(learningRate, 0.9, 0.999, 1e-8, 0);
  }

  /**
   * Returns a copy with other factors of the moving averages.
   *
   * @param beta1 β₁, at least 0 and less than 1
   * @param beta2 β₂, at least 0 and less than 1
   * @return a new optimizer
   */
  public Adam betas(double beta1, double beta2) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay);
  }

  /**
   * Returns a copy with another ε, which is added to the denominator.
   *
   * @param epsilon ε, positive and finite
   * @return a new optimizer
   */
  public Adam epsilon(double epsilon) {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay);
  }

  /**
   * Returns a copy with another weight decay.
   *
   * @param weightDecay λ, 0 or more and finite; added to the gradient
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
