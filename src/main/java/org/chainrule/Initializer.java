package org.chainrule;

import org.chainrule.binding.Native.NativeInitializer;

/**
 * How a parameter's first values are drawn. The values depend on the model's seed and the
 * parameter's place in the graph alone. For a weight of shape [out][in], fan_in is {@code in} and
 * fan_out is {@code out}.
 */
public final class Initializer {
  private static final Initializer ZEROS = new Initializer("zeros", NativeInitializer.constant, 0);
  private static final Initializer GLOROT_UNIFORM =
      new Initializer("glorotUniform", NativeInitializer.glorot_uniform, 0);
  private static final Initializer GLOROT_NORMAL =
      new Initializer("glorotNormal", NativeInitializer.glorot_normal, 0);
  private static final Initializer HE_UNIFORM =
      new Initializer("heUniform", NativeInitializer.he_uniform, 0);
  private static final Initializer HE_NORMAL =
      new Initializer("heNormal", NativeInitializer.he_normal, 0);

  private final String name;
  private final NativeInitializer kind;
  private final double value;

  private Initializer(String name, NativeInitializer kind, double value) {
    this.name = name;
    this.kind = kind;
    this.value = value;
  }

  /**
   * Uniform with mean 0 and variance 2 / (fan_in + fan_out): X. Glorot, Y. Bengio, 2010.
   *
   * @return the initializer that {@code linear} uses by default
   */
  public static Initializer glorotUniform() {
    return GLOROT_UNIFORM;
  }

  /**
   * Normal with mean 0 and variance 2 / (fan_in + fan_out): X. Glorot, Y. Bengio, 2010.
   *
   * @return the initializer
   */
  public static Initializer glorotNormal() {
    return GLOROT_NORMAL;
  }

  /**
   * Uniform with mean 0 and variance 2 / fan_in: K. He et al., 2015. For layers before a ReLU.
   *
   * @return the initializer
   */
  public static Initializer heUniform() {
    return HE_UNIFORM;
  }

  /**
   * Normal with mean 0 and variance 2 / fan_in: K. He et al., 2015. For layers before a ReLU.
   *
   * @return the initializer
   */
  public static Initializer heNormal() {
    return HE_NORMAL;
  }

  /**
   * Every value the same.
   *
   * @param value a finite number
   * @return the initializer
   * @throws IllegalArgumentException if the value is not finite
   */
  public static Initializer constant(double value) {
    Check.that(Double.isFinite(value), "constant", "the value must be finite, but is ", value);
    return new Initializer("constant " + value, NativeInitializer.constant, value);
  }

  /**
   * Every value 0.
   *
   * @return the initializer that {@code linear} uses for its bias
   */
  public static Initializer zeros() {
    return ZEROS;
  }

  /** What the core calls it. */
  NativeInitializer kind() {
    return kind;
  }

  double value() {
    return value;
  }

  @Override
  public String toString() {
    return name;
  }
}
