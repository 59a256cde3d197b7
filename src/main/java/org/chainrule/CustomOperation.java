package org.chainrule;

import java.util.function.DoubleUnaryOperator;

/**
 * An elementwise operation that the user writes in Java. Such operations are slow and meant for
 * experiments. Register the operation under a name, then create nodes with {@link
 * Graph#custom(Node, String)}:
 *
 * <pre>{@code
 * CustomOperation.register("swish", z -> z / (1 + Math.exp(-z)), z -> {
 *   double s = 1 / (1 + Math.exp(-z));
 *   return s * (1 + z * (1 - s));
 * });
 * Node a = x.linear(32).custom("swish");
 * }</pre>
 *
 * <p>{@link GradientCheck} checks the derivative against the function.
 *
 * <p>The core computes all other operations and calls this one between its phases, on the thread
 * that called {@code step}, {@code fit} or {@code predict}. If several threads predict, they may
 * call the operation at the same time. All numbers are {@code double}, whatever the model's type.
 * The values of all samples are passed in one array, in no particular order. The operation must not
 * use objects of this library, and must not close them: such calls throw {@link
 * IllegalStateException}.
 *
 * <p>If the operation throws an exception, the call that needed the operation throws this exception
 * before any parameter changes.
 *
 * <p>A model file contains the operation's name but no code. Loading the file fails until the name
 * is registered.
 */
public interface CustomOperation {
  /**
   * Computes a = f(z) for each element.
   *
   * @param z the operand
   * @param a receives the result; it has the length of z and initially contains only NaN, so
   *     elements that are not written stay NaN
   */
  void forward(double[] z, double[] a);

  /**
   * Computes d_z = f'(z) δ for each element.
   *
   * @param delta the derivative of the loss by each element of a
   * @param z the operand of {@link #forward}
   * @param a the result of {@link #forward}
   * @param dInput receives the derivative of the loss by each element of z; it has the length of z
   *     and initially contains only NaN, so elements that are not written stay NaN
   */
  void backward(double[] delta, double[] z, double[] a, double[] dInput);

  /**
   * Registers an operation for the whole process. If the name is already registered, this operation
   * replaces the earlier one, also in existing graphs and models.
   *
   * @param name the name, not empty
   * @param operation the operation
   */
  static void register(String name, CustomOperation operation) {
    Check.name(name, "register");
    CustomOperations.register(name, Check.notNull(operation, "register", "operation"));
  }

  /**
   * Registers a function of one number and its derivative as an operation.
   *
   * @param name the name, not empty
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
   * Removes a name. New graphs can no longer use it, and loading files that use it fails. Existing
   * graphs and models keep the operation.
   *
   * @param name the name, which need not be registered
   */
  static void unregister(String name) {
    Check.name(name, "unregister");
    CustomOperations.unregister(name);
  }
}
