package org.chainrule.benchmarks.floor;

import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;

/** The products of the forward pass, including the copies from and to the JVM's heap. */
final class ForwardProducts implements Contender.Inference {
  private final Products products;

  ForwardProducts(Network network) {
    products = new Products(network);
  }

  @Override
  public void predict(float[] inputs, float[] outputs) {
    products.values[0].put(inputs);
    products.forward();
    products.values[products.depth()].get(outputs);
  }

  @Override
  public void close() {
    products.close();
  }
}
