package org.chainrule.benchmarks;

/**
 * The same training in plain Java, in double precision and without any library. The losses and
 * outputs of the contenders are compared with it.
 */
public final class Reference {
  private final Network network;
  private final Workload.Optimizer optimizer;
  private final double learningRate;
  private final int[] layers;
  private final int depth;
  private final double[][] weights;
  private final double[][] biases;
  private final double[][] momentWeights;
  private final double[][] momentBiases;
  private final double[][] squareWeights;
  private final double[][] squareBiases;
  private int steps;

  /** Copies the network's parameters, which are then trained. */
  public Reference(Network network, Workload.Optimizer optimizer, double learningRate) {
    this.network = network;
    this.optimizer = optimizer;
    this.learningRate = learningRate;
    layers = network.layers;
    depth = layers.length - 1;
    weights = new double[depth][];
    biases = new double[depth][];
    for (int i = 0; i < depth; ++i) {
      weights[i] = doubles(network.weights[i]);
      biases[i] = doubles(network.biases[i]);
    }
    momentWeights = zeros(weights);
    momentBiases = zeros(biases);
    squareWeights = zeros(weights);
    squareBiases = zeros(biases);
  }

  /** Trains for {@code steps} steps. Returns the loss of the last step, before its update. */
  public static double loss(
      Network network, Workload.Optimizer optimizer, double learningRate, int steps) {
    Reference reference = new Reference(network, optimizer, learningRate);
    double loss = Double.NaN;
    for (int i = 0; i < steps; ++i) {
      loss = reference.step();
    }
    return loss;
  }

  /** Runs one step with the network's batch. Returns the loss before the update. */
  public double step() {
    ++steps;
    int samples = network.batchSize;
    double[][] values = forward(doubles(network.inputs), samples);
    double[] delta = new double[samples * layers[depth]];
    double loss =
        network.labels != null
            ? crossEntropy(values[depth], delta)
            : squaredError(values[depth], delta);
    for (int i = depth - 1; i >= 0; --i) {
      double[] gradient = weightGradient(delta, values[i], samples, layers[i], layers[i + 1]);
      double[] biasGradient = columnSums(delta, layers[i + 1]);
      if (i > 0) {
        delta = previousDelta(delta, weights[i], values[i], samples, layers[i], layers[i + 1]);
      }
      update(weights[i], gradient, momentWeights[i], squareWeights[i]);
      update(biases[i], biasGradient, momentBiases[i], squareBiases[i]);
    }
    return loss;
  }

  /**
   * Returns the outputs with the current parameters.
   *
   * @param inputs [sample][feature]
   * @return [sample][output]
   */
  public double[] predict(float[] inputs) {
    return forward(doubles(inputs), inputs.length / layers[0])[depth];
  }

  private double[][] forward(double[] inputs, int samples) {
    double[][] values = new double[depth + 1][];
    values[0] = inputs;
    for (int i = 0; i < depth; ++i) {
      int in = layers[i];
      int out = layers[i + 1];
      double[] from = values[i];
      double[] to = new double[samples * out];
      for (int s = 0; s < samples; ++s) {
        for (int o = 0; o < out; ++o) {
          double sum = biases[i][o];
          for (int k = 0; k < in; ++k) {
            sum += weights[i][o * in + k] * from[s * in + k];
          }
          to[s * out + o] = i + 1 < depth ? activate(sum) : sum;
        }
      }
      values[i + 1] = to;
    }
    return values;
  }

  private double activate(double x) {
    return network.activation == Workload.Activation.RELU ? Math.max(x, 0) : 1 / (1 + Math.exp(-x));
  }

  /** Returns the derivative of the activation where its value is y. */
  private double slope(double y) {
    return network.activation == Workload.Activation.RELU ? (y > 0 ? 1 : 0) : y * (1 - y);
  }

  private double crossEntropy(double[] logits, double[] delta) {
    int samples = network.batchSize;
    int classes = layers[depth];
    double loss = 0;
    for (int s = 0; s < samples; ++s) {
      int row = s * classes;
      double max = Double.NEGATIVE_INFINITY;
      for (int c = 0; c < classes; ++c) {
        max = Math.max(max, logits[row + c]);
      }
      double sum = 0;
      for (int c = 0; c < classes; ++c) {
        sum += Math.exp(logits[row + c] - max);
      }
      for (int c = 0; c < classes; ++c) {
        delta[row + c] = Math.exp(logits[row + c] - max) / sum / samples;
      }
      delta[row + network.labels[s]] -= 1.0 / samples;
      loss += Math.log(sum) + max - logits[row + network.labels[s]];
    }
    return loss / samples;
  }

  private double squaredError(double[] outputs, double[] delta) {
    double loss = 0;
    for (int i = 0; i < outputs.length; ++i) {
      double error = outputs[i] - network.targets[i];
      delta[i] = 2 * error / outputs.length;
      loss += error * error;
    }
    return loss / outputs.length;
  }

  private double[] previousDelta(
      double[] delta, double[] weight, double[] values, int samples, int in, int out) {
    double[] previous = new double[samples * in];
    for (int s = 0; s < samples; ++s) {
      for (int o = 0; o < out; ++o) {
        double d = delta[s * out + o];
        for (int k = 0; k < in; ++k) {
          previous[s * in + k] += d * weight[o * in + k];
        }
      }
    }
    for (int i = 0; i < previous.length; ++i) {
      previous[i] *= slope(values[i]);
    }
    return previous;
  }

  private static double[] weightGradient(
      double[] delta, double[] values, int samples, int in, int out) {
    double[] gradient = new double[out * in];
    for (int s = 0; s < samples; ++s) {
      for (int o = 0; o < out; ++o) {
        double d = delta[s * out + o];
        for (int k = 0; k < in; ++k) {
          gradient[o * in + k] += d * values[s * in + k];
        }
      }
    }
    return gradient;
  }

  private static double[] columnSums(double[] matrix, int columns) {
    double[] sums = new double[columns];
    for (int i = 0; i < matrix.length; ++i) {
      sums[i % columns] += matrix[i];
    }
    return sums;
  }

  private void update(double[] values, double[] gradient, double[] moment, double[] square) {
    double correction = 1 - Math.pow(0.9, steps);
    double squareCorrection = 1 - Math.pow(0.999, steps);
    for (int i = 0; i < values.length; ++i) {
      double g = gradient[i];
      switch (optimizer) {
        case SGD -> values[i] -= learningRate * g;
        case MOMENTUM -> {
          moment[i] = 0.9 * moment[i] + g;
          values[i] -= learningRate * moment[i];
        }
        case ADAM -> {
          moment[i] = 0.9 * moment[i] + 0.1 * g;
          square[i] = 0.999 * square[i] + 0.001 * g * g;
          double root = Math.sqrt(square[i] / squareCorrection);
          values[i] -= learningRate * moment[i] / correction / (root + 1e-8);
        }
      }
    }
  }

  private static double[] doubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; ++i) {
      result[i] = values[i];
    }
    return result;
  }

  private static double[][] zeros(double[][] like) {
    double[][] result = new double[like.length][];
    for (int i = 0; i < like.length; ++i) {
      result[i] = new double[like[i].length];
    }
    return result;
  }
}
