package org.chainrule.benchmarks.floor;

import java.util.Random;
import org.bytedeco.javacpp.FloatPointer;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;

/**
 * The forward product, dW and dX of each layer, except dX of the first layer. The weights do not
 * change.
 */
final class StepProducts implements Contender.Training {
  private final Products products;
  private final FloatPointer[] gradients;

  /** The delta of the input of each layer. The last delta, that of the output, is random. */
  private final FloatPointer[] deltas;

  StepProducts(Network network) {
    products = new Products(network);
    int depth = products.depth();
    gradients = new FloatPointer[depth];
    deltas = new FloatPointer[depth + 1];
    for (int i = 0; i < depth; ++i) {
      gradients[i] = new FloatPointer(network.weights[i].length);
      deltas[i] = i == 0 ? null : new FloatPointer((long) network.batchSize * network.layers[i]);
    }
    Random random = new Random(2);
    float[] last = new float[network.batchSize * network.layers[depth]];
    for (int i = 0; i < last.length; ++i) {
      last[i] = (float) random.nextGaussian();
    }
    deltas[depth] = new FloatPointer(last);
  }

  @Override
  public void step() {
    products.forward();
    for (int i = products.depth() - 1; i >= 0; --i) {
      if (i > 0) {
        products.inputGradient(i, deltas[i + 1], deltas[i]);
      }
      products.weightGradient(i, deltas[i + 1], gradients[i]);
    }
  }

  @Override
  public double loss() {
    return Double.NaN;
  }

  @Override
  public void close() {
    Products.close(gradients);
    Products.close(deltas);
    products.close();
  }
}
