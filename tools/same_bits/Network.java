import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.chainrule.Batch;
import org.chainrule.DataType;
import org.chainrule.Dataset;
import org.chainrule.Graph;
import org.chainrule.Node;
import org.chainrule.Op;

/** A network with its data. */
final class Network {
  final String name;
  final Graph graph = new Graph();
  final int batchSize;
  final int examples;

  /** The learning rate of SGD. Other optimizers use fractions of it. */
  double learningRate = 0.05;

  /** If true, only some optimizers and few steps are run, because a step takes long. */
  boolean large;

  Node loss;
  List<Node> outputs;

  /** The values of each data node: float[], or int[] for a label. */
  private final Map<Node, Object> columns = new LinkedHashMap<>();

  private final Random random = new Random(11);

  Network(String name, int batchSize, int examples) {
    this.name = name;
    this.batchSize = batchSize;
    this.examples = examples;
  }

  /** Adds an input with standard normal values. */
  Node input(String name, int features) {
    return data(graph.input(name, features), false);
  }

  /** Adds a target with standard normal values. */
  Node target(String name, int features) {
    return data(graph.target(name, features), false);
  }

  /**
   * Adds a target with values between 0 and 1. If it has several features, they sum to 1 in each
   * sample.
   */
  Node shares(String name, int features) {
    return data(graph.target(name, features), true);
  }

  Node label(String name, int classes) {
    Node node = graph.label(name, classes);
    columns.put(node, random.ints(examples, 0, classes).toArray());
    return node;
  }

  private Node data(Node node, boolean shares) {
    int features = (int) node.features();
    float[] values = new float[examples * features];
    for (int i = 0; i < examples; ++i) {
      float sum = 0;
      for (int j = 0; j < features; ++j) {
        float value = shares ? random.nextFloat() : (float) random.nextGaussian();
        values[i * features + j] = value;
        sum += value;
      }
      for (int j = 0; shares && features > 1 && j < features; ++j) {
        values[i * features + j] /= sum;
      }
    }
    columns.put(node, values);
    return node;
  }

  /** Returns a data set of all examples. */
  Dataset dataset(DataType type) {
    Dataset dataset = Dataset.of(examples);
    columns.forEach(
        (node, values) -> {
          if (values instanceof int[] labels) {
            dataset.with(node, labels);
          } else if (type == DataType.DOUBLE) {
            dataset.with(node, doubles((float[]) values));
          } else {
            dataset.with(node, (float[]) values);
          }
        });
    return dataset;
  }

  /** Returns a batch of the examples from {@code begin} to {@code end}. */
  Batch batch(DataType type, int begin, int end) {
    Batch batch = new Batch(end - begin);
    columns.forEach(
        (node, values) -> {
          if (values instanceof int[] labels) {
            batch.set(node, Arrays.copyOfRange(labels, begin, end));
          } else {
            int features = (int) node.features();
            float[] part = Arrays.copyOfRange((float[]) values, begin * features, end * features);
            if (type == DataType.DOUBLE) {
              batch.set(node, doubles(part));
            } else {
              batch.set(node, part);
            }
          }
        });
    return batch;
  }

  /** Returns the values of some examples per data node; labels are converted to double. */
  Map<Node, double[]> columns(int begin, int end) {
    Map<Node, double[]> parts = new LinkedHashMap<>();
    columns.forEach(
        (node, values) -> {
          int features = values instanceof int[] ? 1 : (int) node.features();
          double[] all =
              values instanceof int[] labels
                  ? Arrays.stream(labels).asDoubleStream().toArray()
                  : doubles((float[]) values);
          parts.put(node, Arrays.copyOfRange(all, begin * features, end * features));
        });
    return parts;
  }

  /** Returns the data nodes. */
  List<Node> dataNodes() {
    return List.copyOf(columns.keySet());
  }

  /** Returns all parameters and inputs. */
  List<Node> differentiable() {
    List<Node> nodes = new ArrayList<>(graph.nodes());
    nodes.removeIf(node -> node.op() != Op.PARAMETER && node.op() != Op.INPUT);
    return nodes;
  }

  static double[] doubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; ++i) {
      result[i] = values[i];
    }
    return result;
  }
}
