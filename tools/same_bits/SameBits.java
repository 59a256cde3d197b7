import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.chainrule.Adam;
import org.chainrule.AdamW;
import org.chainrule.Batch;
import org.chainrule.Chainrule;
import org.chainrule.DataType;
import org.chainrule.Dataset;
import org.chainrule.Jacobian;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.NodeStatistics;
import org.chainrule.Op;
import org.chainrule.Optimizer;
import org.chainrule.Predictor;
import org.chainrule.Sgd;
import org.chainrule.Trainer;

/**
 * Computes with all networks and writes every resulting number: losses, parameters, predictions and
 * gradients. Two builds that compute the same results write the same file.
 *
 * <p>It uses the parts of the public API that are likely to stay. An adapter, {@link
 * DerivativesOf}, contains the parts that differ between builds.
 */
public final class SameBits {
  private SameBits() {}

  /**
   * Computes and writes the numbers.
   *
   * @param arguments the number of threads, the file for the numbers, a folder for training files,
   *     and the folder whose training files are resumed (the same one or that of another build);
   *     then the names of the networks, or none for all
   */
  public static void main(String[] arguments) throws IOException {
    Chainrule.threads(Integer.parseInt(arguments[0]));
    Path files = Files.createDirectories(Path.of(arguments[2]));
    Path resumed = Path.of(arguments[3]);
    Set<String> chosen = new TreeSet<>(Arrays.asList(arguments).subList(4, arguments.length));
    boolean all = chosen.isEmpty();
    try (Recorder record = new Recorder(Path.of(arguments[1]))) {
      Set<Op> missing = EnumSet.allOf(Op.class);
      for (Supplier<Network> make : Networks.all()) {
        Network network = make.get();
        if (!all && !chosen.remove(network.name)) {
          continue;
        }
        network.graph.nodes().forEach(node -> missing.remove(node.op()));
        for (DataType type : DataType.values()) {
          for (Map.Entry<String, Optimizer> entry : optimizers(network).entrySet()) {
            String variant = type.name().toLowerCase() + ", " + entry.getKey();
            record.of(network.name, variant);
            String file = network.name + "-" + variant.replace(", ", "-") + ".safetensors";
            train(
                network,
                type,
                entry.getValue(),
                record,
                files.resolve(file),
                resumed.resolve(file));
          }
          record.of(network.name, type.name().toLowerCase());
          inspect(network, type, record);
        }
        network.graph.close();
      }
      if (!chosen.isEmpty()) {
        throw new IllegalArgumentException("unknown networks " + chosen);
      }
      if (all && !missing.isEmpty()) {
        System.out.println("no network has the operations " + missing);
      }
    }
  }

  private static Map<String, Optimizer> optimizers(Network network) {
    double rate = network.learningRate;
    Map<String, Optimizer> all = new LinkedHashMap<>();
    all.put("sgd", Sgd.of(rate));
    all.put(
        "sgd with nesterov and decay",
        Sgd.of(rate / 5).momentum(0.9).nesterov(true).weightDecay(0.01));
    all.put("adamw", AdamW.of(rate / 10));
    if (!network.large) {
      all.put("sgd with decay", Sgd.of(rate).weightDecay(0.01));
      all.put("sgd with momentum", Sgd.of(rate / 5).momentum(0.9));
      all.put("sgd with momentum and decay", Sgd.of(rate / 5).momentum(0.8).weightDecay(0.01));
      all.put("adam", Adam.of(rate / 10));
      all.put(
          "adam with decay", Adam.of(rate / 10).betas(0.8, 0.95).epsilon(1e-6).weightDecay(0.01));
    } else {
      all.put("sgd with momentum", Sgd.of(rate / 5).momentum(0.9));
    }
    return all;
  }

  private static void train(
      Network network,
      DataType type,
      Optimizer optimizer,
      Recorder record,
      Path file,
      Path resumed) {
    int size = network.batchSize;
    int count = network.examples;
    int rounds = network.large ? 2 : 7;
    try (Model model = Model.builder(network.graph).seed(7).dataType(type).build();
        Trainer trainer = model.trainer(network.loss, optimizer);
        Dataset data = network.dataset(type)) {
      double[][] first = parameters(model);
      double[] losses = new double[rounds + 2];
      for (int i = 0; i < rounds; ++i) {
        int begin = i * size % (count - size + 1);
        losses[i] = trainer.step(network.batch(type, begin, begin + size));
      }
      // another batch size, like that of the last batch of an epoch
      Batch rest = network.batch(type, count - (count % size == 0 ? size : count % size), count);
      losses[rounds] = trainer.step(rest);
      losses[rounds + 1] = trainer.evaluate(rest);
      record.add("losses", "of steps", losses);
      if (!network.large) {
        add(record, "parameters after " + (rounds + 1) + " steps", model);
      }
      if (Arrays.deepEquals(first, parameters(model))) {
        throw new IllegalStateException(network.name + ": expected steps to change parameters");
      }

      int epoch = (count + size - 1) / size;
      int part = epoch + (epoch + 1) / 2; // ends within an epoch if an epoch has several steps
      record.add("losses", "of fit", trainer.fitSteps(data, size, part).loss());
      trainer.learningRate(trainer.learningRate() / 2);
      trainer.save(file);
      record.add("losses", "of fit", trainer.fit(data, size, 2).loss());
      add(record, "parameters after " + (rounds + 1) + " steps and fit", model);
      if (!network.large) {
        trainer.shuffle(false);
        record.add("losses", "of fit in order", trainer.fit(data, size, 1).loss());
        trainer.shuffle(99);
        record.add("losses", "of fit with a seed", trainer.fit(data, size, 1).loss());
        add(record, "parameters after all", model);
      }
      predict(network, type, model, record);
    }
    try (Trainer trainer = Trainer.resume(resumed);
        Dataset data = network.dataset(type)) {
      record.add("losses", "of a resumed fit", trainer.fit(data, size, 2).loss());
      add(record, "parameters after a resumed fit", trainer.model());
    }
  }

  private static void predict(Network network, DataType type, Model model, Recorder record) {
    Node[] outputs = network.outputs.toArray(Node[]::new);
    try (Predictor predictor = model.predictor(outputs)) {
      for (int samples : new int[] {1, 7, network.batchSize}) {
        Batch batch = network.batch(type, 0, Math.min(samples, network.examples));
        int[] sizes =
            Arrays.stream(outputs)
                .mapToInt(node -> (int) node.features() * (node.isBatched() ? batch.size() : 1))
                .toArray();
        double[][] values = new double[outputs.length][];
        if (type == DataType.DOUBLE) {
          Arrays.setAll(values, i -> new double[sizes[i]]);
          predictor.predict(batch, values);
        } else {
          float[][] floats = new float[outputs.length][];
          Arrays.setAll(floats, i -> new float[sizes[i]]);
          predictor.predict(batch, floats);
          Arrays.setAll(values, i -> Network.doubles(floats[i]));
        }
        for (int i = 0; i < outputs.length; ++i) {
          record.add("predictions for " + samples, outputs[i].name(), values[i]);
        }
      }
    }
  }

  /** Records gradients, statistics and a Jacobian at the initial parameters. */
  private static void inspect(Network network, DataType type, Recorder record) {
    try (Model model = Model.builder(network.graph).seed(8).dataType(type).build()) {
      for (int size : new int[] {network.batchSize, 5}) {
        Batch batch = network.batch(type, 0, size);
        try (DerivativesOf derivatives = new DerivativesOf(model, network.loss)) {
          record.add("gradients", "loss", derivatives.loss(batch));
          for (Node node : network.differentiable()) {
            record.add("gradients", node.name(), derivatives.gradient(node));
          }
          for (NodeStatistics s : derivatives.statistics(batch)) {
            double[] values = {
              s.count(),
              s.minimum(),
              s.maximum(),
              s.mean(),
              s.standardDeviation(),
              s.deltaNorm(),
              s.gradientNorm()
            };
            // NaN means that the node has no such number
            record.add(
                "statistics",
                s.node().name(),
                Arrays.stream(values).map(v -> Double.isNaN(v) ? -1 : v).toArray());
          }
        }
      }
      if (!network.large) {
        Node x = network.dataNodes().get(0);
        try (Jacobian jacobian = Jacobian.of(model, network.outputs.get(0), x)) {
          for (int i = 0; i < 2; ++i) { // one sample each, because a node may mix samples
            double[][][] values = jacobian.compute(network.batch(type, i, i + 1));
            record.add(
                "Jacobian",
                x.name(),
                Arrays.stream(values[0]).flatMapToDouble(Arrays::stream).toArray());
          }
        }
      }
    }
  }

  private static void add(Recorder record, String what, Model model) {
    Iterator<Node> nodes = model.parameters().iterator();
    for (double[] values : parameters(model)) {
      record.add(what, nodes.next().name(), values);
    }
  }

  private static double[][] parameters(Model model) {
    return model.parameters().stream().map(model::getDoubles).toArray(double[][]::new);
  }
}
