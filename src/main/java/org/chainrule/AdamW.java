package org.chainrule;

import java.util.Map;

/**
 * Adam with decoupled weight decay: θ ← θ − ηλθ precedes Adam's step, and the gradient is not
 * changed. See I. Loshchilov, F. Hutter, 2019.
 *
 * @param learningRate η, 0 or more and finite
 * @param beta1 β₁, at least 0 and less than 1
 * @param beta2 β₂, at least 0 and less than 1
 * @param epsilon ε, positive and finite
 * @param weightDecay λ, 0 or more and finite
 * @see Adam
 */
public record AdamW(
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
  public AdamW {
    AdamSettings.check("AdamW", learningRate, beta1, beta2, epsilon, weightDecay);
  }

  /**
   * Returns an optimizer with PyTorch's defaults: η = 0.001, β₁ = 0.9, β₂ = 0.999, ε = 1e-8, λ =
   * 0.01.
   *
   * @return the optimizer
   */
  public static AdamW of() {
    return of(1e-3);
  }

  /**
   * Returns an optimizer with the given learning rate and otherwise PyTorch's defaults: β₁ = 0.9,
   * β₂ = 0.999, ε = 1e-8, λ = 0.01.
   *
   * @param learningRate η, 0 or more and finite
   * @return the optimizer
   */
  public static AdamW of(double learningRate) {
    return new AdamW(learningRate, 0.9, 0.999, 1e-8, 0.01);
  }

  /**
   * Returns a copy with other factors of the moving averages.
   *
   * @param beta1 β₁, at least 0 and less than 1
   * @param beta2 β₂, at least 0 and less than 1
   * @return a new optimizer
   */
  public AdamW betas(double beta1, double beta2) {
    return new AdamW(learningRate, beta1, beta2, epsilon, weightDecay);
  }

  /**
   * Returns a copy with another ε, which is added to the denominator.
   *
   * @param epsilon ε, positive and finite
   * @return a new optimizer
   */
  public AdamW epsilon(double epsilon) {
    return new AdamW(learningRate, beta1, beta2, epsilon, weightDecay);
  }

  /**
   * Returns a copy with another weight decay.
   *
   * @param weightDecay λ, 0 or more and finite; reduces the parameter itself
   * @return a new optimizer
   */
  public AdamW weightDecay(double weightDecay) {
    return new AdamW(learningRate, beta1, beta2, epsilon, weightDecay);
  }

  @Override
  public String name() {
    return "adamw";
  }

  @Override
  public Map<String, Double> settings() {
    return AdamSettings.map(learningRate, beta1, beta2, epsilon, weightDecay);
  }
}
