package org.chainrule;

import java.lang.ref.Reference;
import org.chainrule.binding.NativeJacobian;

/**
 * Computes the derivative of one node by another as matrices, for sensitivity analysis and
 * teaching. Backpropagation itself never builds these matrices. The convention is
 *
 * <pre>(dz/dx)[i][j] = dz[j] / dx[i]</pre>
 *
 * <p>with n rows for the n values of x and m columns for the m values of z. Textbooks differ. With
 * this convention a backward pass is the product d_x = (dz/dx) δ.
 *
 * <p>If x or z is batched, there is one matrix per sample; otherwise there is a single matrix. The
 * matrix of a sample contains:
 *
 * <ul>
 *   <li>the derivative of the sample's z by the sample's x, if both are batched
 *   <li>the derivative of the sample's z by all of x, if all samples share x
 *   <li>the derivative of all of z by the sample's x, if z has one value for the batch, such as a
 *       loss
 * </ul>
 *
 * <p>If an operation between two batched nodes takes a mean over the batch, a sample's z also
 * depends on the x of other samples. The batch must then have exactly one sample. The values of a
 * matrix are numbered row by row.
 *
 * <p>The model's current parameters are used. Thread-safe: one thread at a time computes and other
 * threads wait. The caller must close the object.
 */
public final class Jacobian extends NativeObject {
  private final Model model;
  private final Node z;
  private final Node x;
  private final NativeJacobian handle;
  private final Inputs inputs;

  private Jacobian(Model model, Node z, Node x) {
    super("Jacobian");
    this.model = model;
    this.z = z;
    this.x = x;
    int from = model.nodes().id("Jacobian", z);
    int to = model.nodes().id("Jacobian", x);
    model.enter("Jacobian");
    try {
      handle = NativeJacobian.create(model.handle(), from, to);
    } finally {
      model.exit();
    }
    own(() -> NativeJacobian.destroy(handle));
    inputs = new Inputs(handle.inputs(), model.nodes().data(), model.dataType());
  }

  /**
   * Creates an object that computes the Jacobian of z by x.
   *
   * @param model the model that contains both nodes
   * @param z the node whose derivative is computed, any node except a label
   * @param x the node by which it is derived, any node except a label
   * @return the object, which the caller must close
   */
  public static Jacobian of(Model model, Node z, Node x) {
    return new Jacobian(Check.notNull(model, "Jacobian", "model"), z, x);
  }

  /**
   * Computes the Jacobian by backward passes, one per value of z. The result is exact except for
   * rounding.
   *
   * @param batch values for all data nodes that z depends on
   * @return [sample][i][j], or [0][i][j] if neither node is batched; 0 where z does not depend on x
   */
  public double[][][] compute(Batch batch) {
    return compute("compute", batch, false);
  }

  /**
   * Approximates the Jacobian by forward differences, (z(x + h) - z(x)) / h, as a check. As in
   * {@link #compute}, x may be any node except a label: the nodes after it are computed again from
   * its changed values. The precision is about the square root of the type's precision.
   *
   * @param batch values for all data nodes that z and x depend on
   * @return an approximation of the result of {@link #compute}
   */
  public double[][][] differences(Batch batch) {
    return compute("differences", batch, true);
  }

  private synchronized double[][][] compute(String operation, Batch batch, boolean differences) {
    Check.notNull(batch, operation, "batch");
    enter(operation);
    try {
      model.enter(operation);
      try {
        inputs.fill(operation, batch);
        int matrices = (int) handle.matrices(batch.size());
        int n = Check.size(operation, x.features(), 1);
        int m = Check.size(operation, z.features(), 1);
        double[] values = new double[Check.size(operation, matrices, (long) n * m)];
        handle.compute(batch.size(), differences, values, values.length);
        double[][][] result = new double[matrices][n][m];
        for (int k = 0; k < matrices; ++k) {
          for (int i = 0; i < n; ++i) {
            System.arraycopy(values, (k * n + i) * m, result[k][i], 0, m);
          }
        }
        return result;
      } finally {
        model.exit();
      }
    } finally {
      Reference.reachabilityFence(batch);
      exit();
    }
  }
}
