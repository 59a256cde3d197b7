package org.chainrule;

import java.util.function.DoubleUnaryOperator;

/**
 * An elementwise operation of your own, written in Java: a slow path, for experiments. Register it
 * under a name, then make nodes of it with {@link Graph#custom(Node, String)}:
 *
 * <pre>{@code
 * CustomOperation.register("swish", z -> z / (1 + Math.exp(-z)), z -> {
 *   double s = 1 / (1 + Math.exp(-z));
 *   return s * (1 + z * (1 - s));
 * });
 * Node a = x.linear(32).custom("swish");
 * }</pre>
 *
 * <p>{@link GradientCheck} tells whether the derivative is that of the function.
 *
 * <p>The core computes everything else and calls this between its phases, on the thread that called
 * {@code step}, {@code fit} or {@code predict}: several threads may call it at once where several
 * predict. Numbers are {@code double} whatever the model's type. Values of all samples come in one
 * array, in no particular order. It must not use objects of this library: they throw an {@link
 * IllegalStateException} there, when they are closed too.
 *
 * <p>What it throws comes out of the call that needed it, before any parameter is changed.
 *
 * <p>A file of a model holds the name and no code: loading one is refused until the name is
 * registered.
 */
public interface CustomOperation {
  /**
   * a = f(z), for each element.
   *
   * @param z the operand
   * @param a where the result goes; as long as z, and all NaN before: an element that is left out
   *     stays NaN
   */
  void forward(double[] z, double[] a);

  /**
   * d_z = f'(z) δ, for each element.
   *
   * @param delta the derivative of the loss by each element of a
   * @param z what {@link #forward} was given
   * @param a what {@link #forward} made of it
   * @param dInput where the derivative of the loss by each element of z goes; as long as z, and all
   *     NaN before: an element that is left out stays NaN
   */
  void backward(double[] delta, double[] z, double[] a, double[] dInput);

  /**
   * Registers an operation for the whole process. A name that is registered already gets this one
   * instead, for graphs and models that exist too.
   *
   * @param name not empty
   * @param operation what to call
   */
  static void register(String name, CustomOperation operation) {
    Check.name(name, "register");
    CustomOperations.register(name, Check.notNull(operation, "register", "operation"));
  }

  /**
   * Registers a function of one number.
   *
   * @param name not empty
   * @param function f
   * @param derivative f'
   */
  static void register(String name, DoubleUnaryOperator function, DoubleUnaryOperator derivative) {
    Check.notNull(function, "register", "function");
    Check.notNull(derivative, "register", "derivative");
    register(
        name,
        new CustomOperation() {
          @Override
          public void forward(double[] z, double[] a) {
            for (int i = 0; i < z.length; ++i) {
              a[i] = function.applyAsDouble(z[i]);
            }
          }

          @Override
          public void backward(double[] delta, double[] z, double[] a, double[] dInput) {
            for (int i = 0; i < z.length; ++i) {
              dInput[i] = derivative.applyAsDouble(z[i]) * delta[i];
            }
          }
        });
  }

  /**
   * Takes a name out: new graphs cannot use it, and files that do are not loaded. Graphs and models
   * that have it keep it.
   *
   * @param name registered or not
   */
  static void unregister(String name) {
    Check.name(name, "unregister");
    CustomOperations.unregister(name);
  }
}
