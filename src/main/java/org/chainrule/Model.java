package org.chainrule;

import java.nio.file.Path;
import java.util.List;
import org.chainrule.binding.NativeModel;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of a graph, stored on a device. Trainers change them and predictors read them.
 *
 * <p>Thread-safe: any number of threads may use one model, because trainers and predictors wait for
 * each other. {@link #snapshot()} creates a copy for predictions that must not observe further
 * training.
 *
 * <p>{@link #close} waits for calls on the model that are running in other threads. After that, the
 * trainers and predictors of the model throw {@link IllegalStateException}.
 */
public final class Model extends NativeObject {
  private final NativeModel handle;
  private final boolean ownsGraph;
  private final ModelNodes nodes;
  private final DataType type;
  private final Device device;

  /**
   * Wraps a native model. {@code nodes} is null for a loaded model, which has a graph of its own.
   */
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
   * Creates a model with {@code float} parameters on the CPU.
   *
   * @param graph the graph; nodes that are added later do not belong to the model
   * @param seed the seed for the initial parameters and for the shuffling of examples
   * @return a model, which the caller must close
   * @throws IllegalArgumentException if a number of the graph is too large for a {@code float}, or
   *     if a factor or another setting is so small that it would become 0
   * @throws ChainruleException if there is too little memory
   */
  public static Model create(Graph graph, long seed) {
    return create(graph, seed, Device.cpu());
  }

  /**
   * Creates a model with {@code float} parameters on a device.
   *
   * @param graph the graph; nodes that are added later do not belong to the model
   * @param seed the seed for the initial parameters, which are the same on every device, and for
   *     the shuffling of examples
   * @param device the device that stores the model and computes with it
   * @return a model, which the caller must close
   * @throws IllegalArgumentException if a number of the graph is too large for a {@code float}, or
   *     if a factor or another setting is so small that it would become 0
   * @throws ChainruleException if the device has too little memory
   */
  public static Model create(Graph graph, long seed, Device device) {
    return builder(graph).seed(seed).device(device).build();
  }

  /**
   * Returns a builder for a model with other settings than those of {@link #create(Graph, long)}.
   *
   * @param graph the graph; nodes that are added later do not belong to the model
   * @return a builder with seed 0, {@link DataType#FLOAT} and {@link Device#cpu()}
   */
  public static Builder builder(Graph graph) {
    return new Builder(Check.notNull(graph, "Model", "graph"));
  }

  /**
   * Loads a model onto the CPU from a file that {@link #save} or {@link Trainer#save} wrote.
   *
   * @param file a safetensors file
   * @return a model, which the caller must close; its {@link #graph()} finds nodes by name
   * @throws ChainruleException if the file cannot be read, is truncated or damaged, or was not
   *     written by this library
   */
  public static Model load(Path file) {
    return load(file, Device.cpu());
  }

  /**
   * Loads a model onto a device from a file that {@link #save} or {@link Trainer#save} wrote. The
   * file may have been written on any device.
   *
   * @param file a safetensors file
   * @param device the device that stores the model and computes with it
   * @return a model, which the caller must close; its {@link #graph()} finds nodes by name
   * @throws ChainruleException if the file cannot be read, is truncated or damaged, or was not
   *     written by this library
   */
  public static Model load(Path file, Device device) {
    Check.notNull(file, "load", "file");
    Check.notNull(device, "load", "device");
    Chainrule.load();
    return new Model(NativeModel.load(file.toString(), device.number()), null, device);
  }

  /**
   * Writes the graph and the parameters to a safetensors file. Writes a temporary file in the same
   * folder first, which then replaces {@code file}.
   *
   * @param file the file to write; an existing file is replaced
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
   * Copies this model with its current parameters on the same device. Later training of this model
   * does not change the copy.
   *
   * @return a model with the same nodes, which the caller must close
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
   * Returns the graph from which the model was created. A loaded model has the graph of its file,
   * which is closed with the model.
   *
   * @return the graph whose nodes the methods of this model accept
   */
  public Graph graph() {
    return nodes.graph();
  }

  /**
   * Returns the type of the model's numbers.
   *
   * @return float or double
   */
  public DataType dataType() {
    return type;
  }

  /**
   * Returns the device that stores the model and computes with it.
   *
   * @return the device on which the model was created or loaded
   */
  public Device device() {
    return device;
  }

  /**
   * Returns the seed with which the model was created.
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
   * Returns the native memory that the model holds.
   *
   * @return the bytes of parameters and constants
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
   * Returns all parameters in the order in which they were added to the graph.
   *
   * @return an unmodifiable list
   */
  public List<Node> parameters() {
    return nodes.parameters();
  }

  /**
   * Returns the total number of values of all parameters.
   *
   * @return 0 or more
   */
  public long parameterCount() {
    return parameters().stream().mapToLong(Node::features).sum();
  }

  /**
   * Returns the values of a parameter as {@code float} numbers.
   *
   * @param parameter a parameter of this model's graph
   * @return a copy, row by row; for a weight [output][input]; rounded if the model is of doubles
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
   * Returns the values of a parameter as {@code double} numbers.
   *
   * @param parameter a parameter of this model's graph
   * @return a copy, row by row; for a weight [output][input]
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
   * @param parameter a parameter of this model's graph
   * @param values as many finite numbers as the parameter has, row by row; for a weight
   *     [output][input]
   * @throws IllegalArgumentException if a value is not finite, or if the number of values is wrong
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
   * @param parameter a parameter of this model's graph
   * @param values as many finite numbers as the parameter has, row by row; for a weight
   *     [output][input]; rounded if the model is of floats
   * @throws IllegalArgumentException if a value is not finite or too large for a model of floats,
   *     or if the number of values is wrong
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
   * Creates a predictor for some nodes.
   *
   * @param outputs one or more nodes of this model's graph
   * @return a predictor, which the caller must close
   */
  public Predictor predictor(Node... outputs) {
    return new Predictor(this, outputs);
  }

  /**
   * Creates a trainer.
   *
   * @param loss a scalar node of this model's graph
   * @param optimizer how a step changes the parameters
   * @return a trainer, which the caller must close
   * @throws IllegalArgumentException if the loss is not a scalar
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

  /** {@return the type and number of the parameters, the device, and the graph} */
  @Override
  public String toString() {
    return summary() + "\n" + graph();
  }

  /** Returns the type and number of the parameters, and the device, in a few words. */
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
        "expected " + parameter.features() + " values for " + parameter + ", but got ",
        length);
  }

  /** The settings of a new model. */
  public static final class Builder {
    private final Graph graph;
    private long seed;
    private DataType type = DataType.FLOAT;
    private Device device = Device.cpu();

    private Builder(Graph graph) {
      this.graph = graph;
    }

    /**
     * Sets the seed for the initial parameters and for the shuffling of examples.
     *
     * @param seed any number
     * @return this builder
     */
    public Builder seed(long seed) {
      this.seed = seed;
      return this;
    }

    /**
     * Sets the type of the model's numbers.
     *
     * @param type float or double
     * @return this builder
     */
    public Builder dataType(DataType type) {
      this.type = Check.notNull(type, "dataType", "type");
      return this;
    }

    /**
     * Sets the device that stores the model and computes with it.
     *
     * @param device the CPU or a CUDA device
     * @return this builder
     */
    public Builder device(Device device) {
      this.device = Check.notNull(device, "device", "device");
      return this;
    }

    /**
     * Creates the model.
     *
     * @return a model, which the caller must close
     * @throws IllegalArgumentException if the model is of floats and a number of the graph is too
     *     large for a {@code float}, or a factor or another setting is so small that it would
     *     become 0
     * @throws ChainruleException if the device has too little memory
     */
    public Model build() {
      synchronized (graph) { // so that no node is added between the two calls
        ModelNodes nodes = new ModelNodes(graph);
        return new Model(graph.createModel(type, seed, device), nodes, device);
      }
    }
  }
}
