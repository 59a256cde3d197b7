import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.chainrule.CustomOperation;
import org.chainrule.Graph;
import org.chainrule.Initializer;
import org.chainrule.Node;

/**
 * The networks whose results are compared: those of the samples, and networks that cover the other
 * operations. They do not name nodes and refer to nodes only by reference.
 */
final class Networks {
  private Networks() {}

  static List<Supplier<Network>> all() {
    return List.of(
        Networks::iris,
        Networks::diabetes,
        () -> rings("rings", false),
        () -> rings("rings-learned", true),
        Networks::digits,
        Networks::autoencoder,
        Networks::chain,
        Networks::wide,
        Networks::odd,
        Networks::narrow,
        () -> everything("everything", 32, 75, 8));
  }

  /** Logistic regression: a linear layer, softmax and labels. */
  private static Network iris() {
    Network network = new Network("iris", 25, 110);
    Node x = network.input("x", 4);
    return classifier(network, x, 3);
  }

  /** Linear regression on all examples at once. */
  private static Network diabetes() {
    Network network = new Network("diabetes", 442, 442);
    Node x = network.input("x", 10);
    Node prediction = x.linear(1);
    network.loss = network.graph.squaredError(prediction, network.target("t", 1));
    network.outputs = List.of(prediction);
    return network;
  }

  /** Logistic regression on polynomial or on learned features. */
  private static Network rings(String name, boolean learned) {
    Network network = new Network(name, 50, 230);
    Node x = network.input("x", 2);
    Node features = learned ? x.linear(16).sigmoid() : x.polynomialFeatures();
    Node logit = features.linear(1);
    network.loss = network.graph.binaryCrossEntropy(logit, network.shares("t", 1));
    network.outputs = List.of(logit, features);
    return network;
  }

  /** A deep ReLU network with a scaled input. */
  private static Network digits() {
    Network network = new Network("digits", 32, 335);
    Node layer = network.input("x", 64).scale(1.0 / 16);
    for (int size : new int[] {64, 32}) {
      layer = layer.linear(size).relu();
    }
    return classifier(network, layer, 10);
  }

  /** An autoencoder whose encoder and decoder share their weight. The input is the target. */
  private static Network autoencoder() {
    Network network = new Network("autoencoder", 32, 150);
    Graph graph = network.graph;
    Node x = network.input("x", 64);
    Node weight = graph.parameter("W", 16, 64, Initializer.glorotUniform());
    Node b = graph.parameter("b", 16, Initializer.zeros());
    Node c = graph.parameter("c", 64, Initializer.zeros());
    Node code = graph.linear(x, weight, b).sigmoid();
    Node drawn = graph.linearTransposed(code, weight, c);
    network.loss = graph.meanSquaredError(drawn, x);
    network.outputs = List.of(drawn, code);
    return network;
  }

  /** The network of the sample that multiplies Jacobians: 24 layers without biases. */
  private static Network chain() {
    Network network = new Network("jacobian-chain", 9, 31);
    Node a = network.input("x", 48);
    for (int k = 1; k <= 24; ++k) {
      Node weight = network.graph.parameter("W" + k, 48, 48, Initializer.glorotUniform());
      a = network.graph.linear(a, weight).tanh();
    }
    network.loss = network.graph.squaredError(a, network.target("t", 48));
    network.outputs = List.of(a);
    network.learningRate = 0.005;
    return network;
  }

  /** A network whose products have many tiles. */
  private static Network wide() {
    Network network = new Network("wide", 128, 300);
    network.large = true;
    Node x = network.input("x", 784);
    return classifier(network, x.linear(512).relu().linear(256).gelu(), 10);
  }

  /** A network with sizes that are not multiples of a tile's size. */
  private static Network odd() {
    Network network = new Network("odd", 129, 400);
    Node x = network.input("x", 203);
    return classifier(network, x.linear(331).silu().linear(97).leakyRelu(), 7);
  }

  /** Narrow layers with a large batch, which run tile by tile and sum gradients in parts. */
  private static Network narrow() {
    Network network = new Network("narrow", 65536, 65536 + 4099);
    network.large = true;
    Node x = network.input("x", 32);
    Node prediction = x.linear(32).relu().linear(32).sigmoid().linear(1);
    network.loss = network.graph.meanSquaredError(prediction, network.target("t", 1));
    network.outputs = List.of(prediction);
    return network;
  }

  /** A network with every operation in every form, and every loss. */
  static Network everything(String name, int batchSize, int examples, int width) {
    // uses only + − × ÷, which give the same results in every JVM
    CustomOperation.register(
        "bump", z -> z / (1 + z * z), z -> (1 - z * z) / ((1 + z * z) * (1 + z * z)));
    Network network = new Network(name, batchSize, examples);
    network.learningRate = 0.01;
    Graph graph = network.graph;
    Node x = network.input("x", 5);
    Node second = network.input("x2", 3);
    Node label = network.label("y", 3);
    Node target = network.target("t", 3);
    Node shares = network.shares("p", 3);

    // products: with their own parameters, transposed, with shared weights, of weights
    Node weight = graph.parameter("w", width, 5, Initializer.heNormal());
    Node bias = graph.parameter("b", width, Initializer.constant(0.1));
    Node back = graph.parameter("c", 5, Initializer.zeros());
    Node left = graph.parameter("left", width, 3, Initializer.glorotNormal());
    Node right = graph.parameter("right", 3, width, Initializer.heUniform());
    Node gain = graph.parameter("gain", width, Initializer.constant(0.9));
    Node scalar = graph.parameter("scalar", 1, Initializer.constant(0.3));
    Node offsets = graph.constant("offsets", width, 1, ramp(width));
    Node mix = graph.constant("mix", 3, 5, ramp(15));
    Node h = graph.linear(x, weight, bias);
    Node product = graph.matmul(right, left); // width x width
    Node squared = graph.matmulTransposed(product, product);
    Node deep =
        graph
            .matmul(graph.linear(h.tanh(), product), squared.scale(0.2))
            .add(graph.linear(second, left));
    Node transposed =
        graph.matmulTransposed(second, right).add(graph.linearTransposed(second, right));
    Node drawn = graph.linearTransposed(h.sigmoid(), weight, back);

    // broadcasts, reductions, operations that mix samples
    Node shifted = deep.multiply(gain).add(offsets).subtract(h.batchMean()).multiply(scalar);
    Node sums =
        graph.concat(h.sum().scale(0.1), h.mean(), h.squaredNorm().scale(0.05), h.logSumExp());
    Node mixed = graph.linear(x, mix).multiply(second).add(graph.constant(0.25));

    List<Node> features = new ArrayList<>(List.of(shifted, sums, mixed, transposed.scale(0.1)));
    features.addAll(
        List.of(h.sigmoid(), h.tanh(), h.relu(), h.leakyRelu(0.02), h.elu(1.5), h.softplus()));
    features.addAll(
        List.of(h.gelu(), h.silu(), h.square().scale(0.1), h.tanh().exp(), h.softplus().log()));
    features.addAll(List.of(graph.identity(h).negate(), h.custom("bump"), h.softmax()));
    features.add(deep.slice(1, 4).tanh().polynomialFeatures());
    Node all = graph.concat(features.toArray(Node[]::new));
    Node logits = all.scale(0.3).linear(3);
    Node probabilities = logits.softmax();

    List<Node> losses = new ArrayList<>();
    losses.add(graph.softmaxCrossEntropy(logits, label));
    losses.add(graph.softmaxCrossEntropy(logits, shares));
    losses.add(graph.negativeLogLikelihood(probabilities, label));
    losses.add(graph.negativeLogLikelihood(probabilities, shares));
    losses.add(graph.binaryCrossEntropy(logits, shares));
    losses.add(graph.squaredError(logits, target).scale(0.1));
    losses.add(graph.meanSquaredError(logits, target));
    losses.add(graph.huber(logits, target, 0.7));
    losses.add(graph.meanSquaredError(drawn, x));
    losses.add(weight.squaredNorm().scale(0.01));
    losses.add(graph.concat(weight, mix).slice(1, 4).mean());
    Node loss = losses.get(0);
    for (Node term : losses.subList(1, losses.size())) {
      loss = loss.add(term);
    }
    network.loss = loss;
    network.outputs = List.of(logits, probabilities, all, squared, drawn);
    return network;
  }

  private static Network classifier(Network network, Node layer, int classes) {
    Node logits = layer.linear(classes);
    network.loss = network.graph.softmaxCrossEntropy(logits, network.label("y", classes));
    network.outputs = List.of(logits);
    return network;
  }

  /** Returns equidistant numbers from -0.5 to 0.5. */
  private static double[] ramp(int count) {
    double[] values = new double[count];
    for (int i = 0; i < count; ++i) {
      values[i] = (double) i / (count - 1) - 0.5;
    }
    return values;
  }
}
