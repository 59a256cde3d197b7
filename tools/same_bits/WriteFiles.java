import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import org.chainrule.Adam;
import org.chainrule.AdamW;
import org.chainrule.Batch;
import org.chainrule.DataType;
import org.chainrule.Dataset;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Optimizer;
import org.chainrule.Predictor;
import org.chainrule.Sgd;
import org.chainrule.Trainer;

/**
 * Writes model and training files with this build, and for each a text file with the results of
 * this build: one line per array with its name and its numbers. Later builds must load the files
 * and compute the same results, up to rounding.
 */
public final class WriteFiles {
  private static final int BATCH = 8;
  private static final int EXAMPLES = 27;

  /**
   * Steps before the file is written. An epoch has 4 steps, so it is in the middle of the third.
   */
  private static final int BEFORE = 10;

  private static final int AFTER = 7;

  private WriteFiles() {}

  /**
   * Writes the files.
   *
   * @param arguments the folder of the files
   */
  public static void main(String[] arguments) throws IOException {
    Path folder = Files.createDirectories(Path.of(arguments[0]));
    Network everything = Networks.everything("everything", BATCH, EXAMPLES, 4);
    for (DataType type : DataType.values()) {
      writeModel(everything, type, folder, "everything-" + type.name().toLowerCase(Locale.ROOT));
    }
    Map<String, Optimizer> optimizers = new LinkedHashMap<>();
    optimizers.put("sgd", Sgd.of(0.05).weightDecay(0.001));
    optimizers.put("nesterov", Sgd.of(0.02).momentum(0.9).nesterov(true).weightDecay(0.001));
    optimizers.put("adam", Adam.of(0.01).betas(0.8, 0.95).epsilon(1e-6));
    optimizers.put("adamw", AdamW.of(0.01));
    for (Map.Entry<String, Optimizer> entry : optimizers.entrySet()) {
      for (DataType type : DataType.values()) {
        String name = entry.getKey() + "-" + type.name().toLowerCase(Locale.ROOT);
        writeTraining(entry.getValue(), type, folder, name);
      }
    }
  }

  private static void writeModel(Network network, DataType type, Path folder, String name)
      throws IOException {
    List<String> lines = new ArrayList<>();
    try (Model model = Model.builder(network.graph).seed(3).dataType(type).build()) {
      model.save(folder.resolve(name + ".safetensors"));
      network
          .columns(0, BATCH)
          .forEach((node, values) -> lines.add(line("data " + node.name(), values)));
      List<Node> outputs = new ArrayList<>(network.outputs);
      outputs.add(network.loss);
      Batch batch = network.batch(type, 0, BATCH);
      for (Node output : outputs) {
        double[] values = new double[(int) output.features() * (output.isBatched() ? BATCH : 1)];
        try (Predictor predictor = model.predictor(output)) {
          predictor.predict(batch, values);
        }
        lines.add(line("output " + output.name(), values));
      }
    }
    Files.write(folder.resolve(name + ".txt"), lines);
  }

  private static void writeTraining(Optimizer optimizer, DataType type, Path folder, String name)
      throws IOException {
    Network network = new Network(name, BATCH, EXAMPLES);
    Node x = network.input("x", 5);
    Node logits = x.linear(6).tanh().linear(3);
    Node loss = network.graph.softmaxCrossEntropy(logits, network.label("y", 3));
    List<String> lines = new ArrayList<>();
    try (Model model = Model.builder(network.graph).seed(5).dataType(type).build();
        Trainer trainer = model.trainer(loss, optimizer);
        Dataset data = network.dataset(type)) {
      trainer.fitSteps(data, BATCH, BEFORE);
      trainer.learningRate(trainer.learningRate() / 2);
      trainer.save(folder.resolve(name + ".safetensors"));
      network
          .columns(0, EXAMPLES)
          .forEach((node, values) -> lines.add(line("data " + node.name(), values)));
      lines.add(line("steps", trainer.steps(), trainer.epoch(), trainer.learningRate()));
      lines.add(line("batch", BATCH, AFTER));
      double fit = trainer.fitSteps(data, BATCH, AFTER).loss();
      lines.add(line("loss", fit));
      for (Node node : model.parameters()) {
        lines.add(line("parameter " + node.name(), model.getDoubles(node)));
      }
    }
    network.graph.close();
    Files.write(folder.resolve(name + ".txt"), lines);
  }

  private static String line(String name, double... values) {
    StringJoiner text = new StringJoiner(" ", name + ": ", "");
    for (double value : values) {
      text.add(Double.toString(value));
    }
    return text.toString();
  }
}
