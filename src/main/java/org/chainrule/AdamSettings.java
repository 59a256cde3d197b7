package org.chainrule;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The settings that {@link Adam} and {@link AdamW} have in common, and the checks of their ranges.
 */
final class AdamSettings {
  private AdamSettings() {}

  static void check(
      String name,
      double learningRate,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay) {
    Check.optimizer(name, learningRate, weightDecay);
    Check.factor(name, "beta1", beta1);
    Check.factor(name, "beta2", beta2);
    Check.positive(name, "epsilon", epsilon);
  }

  static Map<String, Double> map(
      double learningRate, double beta1, double beta2, double epsilon, double weightDecay) {
    Map<String, Double> map = new LinkedHashMap<>();
    map.put("learning_rate", learningRate);
    map.put("beta1", beta1);
    map.put("beta2", beta2);
    map.put("epsilon", epsilon);
    map.put("weight_decay", weightDecay);
    return Collections.unmodifiableMap(map);
  }
}
