package org.chainrule;

import java.nio.file.Path;
import java.util.List;
import org.chainrule.binding.NativeModel;
import org.jspecify.annotations.Nullable;

/**
 * A graph's parameters on a device. Trainers change them, predictors read them; both wait for each
 * other, step by step, so that any number of threads may use one model. {@link #snapshot()} serves
 * predictions that should not see training go on.
 *
 * <p>{@link #close} waits for calls that are running on the model in other threads; trainers and
 * predictors of a closed model throw {@link IllegalStateException}.
 */
public final class Model extends NativeObject {
  private final NativeModel handle;
  private final boolean ownsGraph;
  private final ModelNodes nodes;
  private final DataType type;
  private final Device device;

  /** {@code nodes} is null for a loaded model, which has a graph of its own. */
  private Model(NativeModel handle, @Nullable ModelNodes nodes, Device device) {
    super("model");
    this.handle = handle;
    this.device = device;
    own(() -> NativeModel.destroy(handle));
    ownsGraph = nodes == null;
    this.nodes = ownsGraph ? new ModelNodes(new Graph(handle.graph())) : nodes;
    type = handle.double_precision() ? DataType.DOUBLE : DataType.FLOAT;
  }

  /**
   * A model of {@code float} numbers on the CPU.
   *
   * @param graph what is computed; nodes that are added later do not belong to the model
   * @param seed of the parameters' first values, and of the shuffling of examples
   * @return a model, to be closed
   * @throws IllegalArgumentException if a number of the graph is too large for a {@code float}, or
   *     a factor or setting so small that it would be 0
   */
  public static Model create(Graph graph, long seed) {
    return create(graph, seed, Device.cpu());
  }

  /**
   * A model of {@code float} numbers.
   *
   * @param graph what is computed; nodes that are added later do not belong to the model
   * @param seed of the parameters' first values, which are the same on every device, and of the
   *     shuffling of examples
   * @param device where the model lives and computes
   * @return a model, to be closed
   * @throws ChainruleException if the device has too little memory
   */
  public static Model create(Graph graph, long seed, Device device) {
    return builder(graph).seed(seed).device(device).build();
  }

  /**
   * For a model with other settings than {@link #create}'s.
   *
   * @param graph what is computed; nodes that are added later do not belong to the model
   * @return a builder: seed 0, {@link DataType#FLOAT}, {@link Device#cpu()}
   */
  public static Builder builder(Graph graph) {
    return new Builder(Check.notNull(graph, "Model", "graph"));
  }

  /**
   * Reads a file written by {@link #save} or {@link Trainer#save}.
   *
   * @param file a safetensors file
   * @return a model, to be closed; its {@link #graph()} finds nodes by name
   * @throws ChainruleException if the file cannot be read, or is truncated, altered or foreign
   */
  public static Model load(Path file) {
    return load(file, Device.cpu());
  }

  /**
   * Reads a file written by {@link #save} or {@link Trainer#save}, on whatever device.
   *
   * @param file a safetensors file
   * @param device where the model shall live
   * @return a model, to be closed; its {@link #graph()} finds nodes by name
   * @throws ChainruleException if the file cannot be read, or is truncated, altered or foreign
   */
  public static Model load(Path file, Device device) {
    Check.notNull(file, "load", "file");
    Check.notNull(device, "load", "device");
    Chainrule.load();
    return new Model(NativeModel.load(file.toString(), device.number()), null, device);
  }

  /**
   * Writes graph and parameters into one safetensors file: to a temporary file in the same folder
   * first, which then takes the place of {@code file}.
   *
   * @param file where; an old file is replaced
   * @throws ChainruleException if the file cannot be written
   */
  public void save(Path file) {
    Check.notNull(file, "save", "file");
    enter("save");
    try {
      handle.save(file.toString());
    } finally {
      exit();
    }
  }

  /**
   * A copy with the parameters of now on the same device, which training this model does not
   * change.
   *
   * @return a model, to be closed, with the same nodes
   */
  public Model snapshot() {
    enter("snapshot");
    try {
      return new Model(handle.snapshot(), nodes, device);
    } finally {
      exit();
    }
  }

  /**
   * The graph that the model was made of, or for a loaded model the graph of the file, which is
   * closed with the model.
   *
   * @return the graph whose nodes this model's methods take
   */
  public Graph graph() {
    return nodes.graph();
  }

  /**
   * The type of the model's numbers.
   *
   * @return float or double
   */
  public DataType dataType() {
    return type;
  }

  /**
   * Where the model lives.
   *
   * @return the device that it was made or loaded on
   */
  public Device device() {
    return device;
  }

  /**
   * The seed that the model was made with.
   *
   * @return any number
   */
  public long seed() {
    enter("seed");
    try {
      return handle.seed();
    } finally {
      exit();
    }
  }

  /**
   * The native memory that the model holds.
   *
   * @return bytes by purpose: parameters and constants
   */
  public MemoryReport memory() {
    enter("memory");
    try {
      return MemoryReport.of(handle.memory());
    } finally {
      exit();
    }
  }

  /**
   * All parameters, in the order they were made.
   *
   * @return an unmodifiable list
   */
  public List<Node> parameters() {
    return nodes.parameters();
  }

  /**
   * How many numbers the parameters have together.
   *
   * @return 0 or more
   */
  public long parameterCount() {
    return parameters().stream().mapToLong(Node::features).sum();
  }

  /**
   * The values of a parameter.
   *
   * @param parameter of this model's graph
   * @return a copy, row by row: [out][in] for a weight; rounded if the model is of doubles
   */
  public float[] getFloats(Node parameter) {
    int id = nodes.parameter("getFloats", parameter);
    float[] values = new float[Check.size("getFloats", parameter.rows(), parameter.columns())];
    enter("getFloats");
    try {
      handle.read_parameter(id, values, values.length);
    } finally {
      exit();
    }
    return values;
  }

  /**
   * The values of a parameter.
   *
   * @param parameter of this model's graph
   * @return a copy, row by row: [out][in] for a weight
   */
  public double[] getDoubles(Node parameter) {
    int id = nodes.parameter("getDoubles", parameter);
    double[] values = new double[Check.size("getDoubles", parameter.rows(), parameter.columns())];
    enter("getDoubles");
    try {
      handle.read_parameter(id, values, values.length);
    } finally {
      exit();
    }
    return values;
  }

  /**
   * Sets the values of a parameter.
   *
   * @param parameter of this model's graph
   * @param values row by row: [out][in] for a weight
   */
  public void set(Node parameter, float[] values) {
    int id = nodes.parameter("set", parameter);
    checkLength(parameter, Check.notNull(values, "set", "values").length);
    enter("set");
    try {
      handle.write_parameter(id, values, values.length);
    } finally {
      exit();
    }
  }

  /**
   * Sets the values of a parameter.
   *
   * @param parameter of this model's graph
   * @param values row by row: [out][in] for a weight; rounded if the model is of floats
   * @throws IllegalArgumentException if a value is not finite, or a float of the model cannot hold
   *     it
   */
  public void set(Node parameter, double[] values) {
    int id = nodes.parameter("set", parameter);
    checkLength(parameter, Check.notNull(values, "set", "values").length);
    enter("set");
    try {
      handle.write_parameter(id, values, values.length);
    } finally {
      exit();
    }
  }

  /**
   * For the values of some nodes.
   *
   * @param outputs one or more nodes of this model's graph
   * @return a predictor, to be closed
   */
  public Predictor predictor(Node... outputs) {
    return new Predictor(this, outputs);
  }

  /**
   * For training.
   *
   * @param loss a scalar node of this model's graph
   * @param optimizer how a step changes the parameters
   * @return a trainer, to be closed
   */
  public Trainer trainer(Node loss, Optimizer optimizer) {
    return new Trainer(this, loss, optimizer);
  }

  @Override
  public void close() {
    super.close();
    if (ownsGraph) {
      graph().close();
    }
  }

  /** {@return the numbers' type, the count of parameters, the device, and the graph} */
  @Override
  public String toString() {
    return summary() + "\n" + graph();
  }

  /** In a few words. */
  String summary() {
    return "model of "
        + parameterCount()
        + " "
        + type.name().toLowerCase()
        + " parameters on "
        + device;
  }

  NativeModel handle() {
    return handle;
  }

  ModelNodes nodes() {
    return nodes;
  }

  private static void checkLength(Node parameter, int length) {
    Check.that(
        length == parameter.features(),
        "set",
        "expected " + parameter.features() + " values for " + parameter + ", but the number is ",
        length);
  }

  /** Settings of a model. */
  public static final class Builder {
    private final Graph graph;
    private long seed;
    private DataType type = DataType.FLOAT;
    private Device device = Device.cpu();

    private Builder(Graph graph) {
      this.graph = graph;
    }

    /**
     * Sets the seed of the parameters' first values, and of the shuffling of examples.
     *
     * @param seed any number
     * @return this builder
     */
    public Builder seed(long seed) {
      this.seed = seed;
      return this;
    }

    /**
     * Sets the type of the numbers.
     *
     * @param type float or double
     * @return this builder
     */
    public Builder dataType(DataType type) {
      this.type = Check.notNull(type, "dataType", "type");
      return this;
    }

    /**
     * Sets where the model lives.
     *
     * @param device the CPU or a CUDA device
     * @return this builder
     */
    public Builder device(Device device) {
      this.device = Check.notNull(device, "device", "device");
      return this;
    }

    /**
     * Makes the model.
     *
     * @return a model, to be closed
     */
    public Model build() {
      synchronized (graph) { // nobody adds a node between the two
        ModelNodes nodes = new ModelNodes(graph);
        return new Model(graph.createModel(type, seed, device), nodes, device);
      }
    }
  }
}
