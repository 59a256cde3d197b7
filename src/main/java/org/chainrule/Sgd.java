package org.chainrule;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Stochastic gradient descent: g ← g + λθ, v ← μv + g, θ ← θ − ηv; Nesterov's variant: θ ← θ − η(g
 * + μv). Without momentum θ ← θ − ηg. As in PyTorch; Y. Nesterov, 1983; I. Sutskever et al., 2013.
 *
 * @param learningRate η, 0 or more
 * @param momentum μ, at least 0 and less than 1
 * @param nesterov whether the step looks ahead; needs a momentum
 * @param weightDecay λ, 0 or more
 */
public record Sgd(double learningRate, double momentum, boolean nesterov, double weightDecay)
    implements Optimizer {
  /**
   * Checks the numbers.
   *
   * @param learningRate η, 0 or more
   * @param momentum μ, at least 0 and less than 1
   * @param nesterov whether the step looks ahead; needs a momentum
   * @param weightDecay λ, 0 or more
   * @throws IllegalArgumentException if one is out of its range
   */
  public Sgd {
    Check.optimizer("Sgd", learningRate, weightDecay);
    Check.factor("Sgd", "the momentum", momentum);
    Check.that(
        !nesterov || momentum > 0,
        "Sgd",
        "Nesterov's method needs a momentum, but it is ",
        momentum);
  }

  /**
   * Plain gradient descent.
   *
   * @param learningRate η, 0 or more
   * @return the optimizer without momentum and weight decay
   */
  public static Sgd of(double learningRate) {
    return new Sgd(learningRate, 0, false, 0);
  }

  /**
   * The same with this momentum.
   *
   * @param momentum μ, at least 0 and less than 1
   * @return a new optimizer
   */
  public Sgd momentum(double momentum) {
    return new Sgd(learningRate, momentum, nesterov, weightDecay);
  }

  /**
   * The same with or without Nesterov's look ahead.
   *
   * @param nesterov true needs a momentum
   * @return a new optimizer
   */
  public Sgd nesterov(boolean nesterov) {
    return new Sgd(learningRate, momentum, nesterov, weightDecay);
  }

  /**
   * The same with this weight decay.
   *
   * @param weightDecay λ, 0 or more
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
