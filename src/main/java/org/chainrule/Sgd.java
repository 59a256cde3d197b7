package org.chainrule;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Stochastic gradient descent: θ ← θ − ηg. With momentum: v ← μv + g, θ ← θ − ηv. Nesterov's
 * variant: θ ← θ − η(g + μv). Weight decay adds λθ to g. As in PyTorch; see Y. Nesterov, 1983; I.
 * Sutskever et al., 2013.
 *
 * @param learningRate η, 0 or more and finite
 * @param momentum μ, at least 0 and less than 1
 * @param nesterov whether to use Nesterov's variant, which requires a momentum above 0
 * @param weightDecay λ, 0 or more and finite
 */
public record Sgd(double learningRate, double momentum, boolean nesterov, double weightDecay)
    implements Optimizer {
  /**
   * Creates the optimizer.
   *
   * @param learningRate η, 0 or more and finite
   * @param momentum μ, at least 0 and less than 1
   * @param nesterov whether to use Nesterov's variant, which requires a momentum above 0
   * @param weightDecay λ, 0 or more and finite
   * @throws IllegalArgumentException if a number is out of range, or if Nesterov's variant has no
   *     momentum
   */
  public Sgd {
    Check.optimizer("Sgd", learningRate, weightDecay);
    Check.factor("Sgd", "the momentum", momentum);
    Check.that(
        !nesterov || momentum > 0,
        "Sgd",
        "Nesterov's variant requires a momentum above 0, but got ",
        momentum);
  }

  /**
   * Returns plain gradient descent, without momentum and weight decay.
   *
   * @param learningRate η, 0 or more and finite
   * @return the optimizer
   */
  public static Sgd of(double learningRate) {
    return new Sgd(learningRate, 0, false, 0);
  }

  /**
   * Returns a copy with another momentum.
   *
   * @param momentum μ, at least 0 and less than 1
   * @return a new optimizer
   */
  public Sgd momentum(double momentum) {
    return new Sgd(learningRate, momentum, nesterov, weightDecay);
  }

  /**
   * Returns a copy with or without Nesterov's variant.
   *
   * @param nesterov whether to use Nesterov's variant, which requires a momentum above 0
   * @return a new optimizer
   */
  public Sgd nesterov(boolean nesterov) {
    return new Sgd(learningRate, momentum, nesterov, weightDecay);
  }

  /**
   * Returns a copy with another weight decay.
   *
   * @param weightDecay λ, 0 or more and finite; added to the gradient
   * @return a new optimizer
   */
  public Sgd weightDecay(double weightDecay) {
    return new Sgd(learningRate, momentum, nesterov, weightDecay);
  }

  @Override
  public String name() {
    return "sgd";
  }

  @Override
  public Map<String, Double> settings() {
    Map<String, Double> map = new LinkedHashMap<>();
    map.put("learning_rate", learningRate);
    map.put("momentum", momentum);
    map.put("nesterov", nesterov ? 1.0 : 0.0);
    map.put("weight_decay", weightDecay);
    return Collections.unmodifiableMap(map);
  }
}
