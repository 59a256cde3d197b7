package org.chainrule;

import org.chainrule.binding.Native.NativeInitializer;

/**
 * The distribution from which the initial values of a parameter are drawn. The values depend only
 * on the model's seed and on the position of the parameter in the graph. For a weight of shape
 * [output][input], fan_in is the number of inputs and fan_out the number of outputs.
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
   * Returns the uniform distribution with mean 0 and variance 2 / (fan_in + fan_out). See X.
   * Glorot, Y. Bengio, 2010.
   *
   * @return the initializer that {@code linear} uses by default
   */
  public static Initializer glorotUniform() {
    return GLOROT_UNIFORM;
  }

  /**
   * Returns the normal distribution with mean 0 and variance 2 / (fan_in + fan_out). See X. Glorot,
   * Y. Bengio, 2010.
   *
   * @return the initializer
   */
  public static Initializer glorotNormal() {
    return GLOROT_NORMAL;
  }

  /**
   * Returns the uniform distribution with mean 0 and variance 2 / fan_in, for layers before a ReLU.
   * See K. He et al., 2015.
   *
   * @return the initializer
   */
  public static Initializer heUniform() {
    return HE_UNIFORM;
  }

  /**
   * Returns the normal distribution with mean 0 and variance 2 / fan_in, for layers before a ReLU.
   * See K. He et al., 2015.
   *
   * @return the initializer
   */
  public static Initializer heNormal() {
    return HE_NORMAL;
  }

  /**
   * Returns an initializer that sets all values to one number.
   *
   * @param value a finite number
   * @return the initializer
   * @throws IllegalArgumentException if the value is not finite
   */
  public static Initializer constant(double value) {
    Check.that(Double.isFinite(value), "constant", "expected a finite value, but got ", value);
    return new Initializer("constant " + value, NativeInitializer.constant, value);
  }

  /**
   * Returns an initializer that sets all values to 0.
   *
   * @return the initializer that {@code linear} uses for its bias
   */
  public static Initializer zeros() {
    return ZEROS;
  }

  /** Returns the kind of this initializer in the C++ core. */
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
