package org.chainrule;

import java.lang.ref.Reference;
import org.chainrule.binding.NativeJacobian;

/**
 * The derivative of one node by another, as matrices: for sensitivity analysis, and to see what
 * backpropagation never has to build. The convention is
 *
 * <pre>(dz/dx)[i][j] = dz[j] / dx[i]</pre>
 *
 * <p>for the n values of x and the m of z, n rows and m columns; textbooks differ. With it a
 * backward pass is the product d_x = (dz/dx) δ.
 *
 * <p>There is one matrix for each sample where x or z is batched, and one in all where none is: of
 * the sample's z by the sample's x; where x is shared by all samples, of the sample's z by all of
 * x; where z is one for the batch, as a loss is, of all of z by the sample's x. Where a mean over
 * the batch stands between two batched nodes, a sample's z depends on the x of others too: then the
 * batch must be one sample. Values that are a matrix count row by row.
 *
 * <p>Sees the parameters of the moment. One thread at a time; others wait. To be closed.
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
   * For the Jacobian of z by x.
   *
   * @param model whose parameters and nodes
   * @param z what is derived, any node but a label
   * @param x by what, any node but a label
   * @return a Jacobian, to be closed
   */
  public static Jacobian of(Model model, Node z, Node x) {
    return new Jacobian(Check.notNull(model, "Jacobian", "model"), z, x);
  }

  /**
   * By backward passes, one for each value of z: exact but for rounding.
   *
   * @param batch values for all data nodes that z depends on
   * @return [sample][i][j], or [0][i][j] where no node is batched; zeros where z does not depend on
   *     x
   */
  public double[][][] compute(Batch batch) {
    return compute("compute", batch, false);
  }

  /**
   * By forward differences, (z(x + h) - z(x)) / h: as a check. x may be any node here too: what is
   * after it is computed again from its moved values. Good to about the root of the type's
   * precision.
   *
   * @param batch values for all data nodes that z and x depend on
   * @return what {@link #compute} gives, nearly
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
