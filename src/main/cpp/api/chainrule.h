// The native API. This is the only header that JavaCPP parses: opaque classes and plain types. Every function checks
// its arguments first. It throws InvalidArgument or Error (util/check.h), whose message is a sentence. Names are UTF-8.
// A node is identified by a number: nodes are numbered from 0 in the order in which they were created. `create` and
// similar functions return new objects, and `destroy` frees an object; it must be called once per object. The Java side
// must prevent the use of an object after `destroy` and the call of `destroy` during another call.
#pragma once

#include <cstdint>

#if defined(__GNUC__)
#define CHAINRULE_EXPORT __attribute__((visibility("default")))
#else
#define CHAINRULE_EXPORT
#endif

namespace chainrule {
namespace api {

// The enums have the same names and numbers as those of the core (REQUIRE_SAME in bodies.h checks this). JavaCPP turns
// them into Java enums.
// JavaCPP turns each field of a struct into a pair of methods. A struct that a function returns belongs to the object
// and is valid until the next call of the same function. Java code must not allocate these structs: JavaCPP would count
// them against a limit that it derives from the size of the JVM's heap.
enum class NativeInitializer : int32_t { constant, glorot_uniform, glorot_normal, he_uniform, he_normal };
enum class NativeColumnType : int32_t { float32, float64, label };
enum class NativePrecision : int32_t { float32, tf32, bfloat16 };
enum class NativeProducts : int32_t { automatic, blas, own };
enum class NativeVerdict : int32_t { agrees, differs, kink, not_a_number, too_weak };

// The attributes of a node: everything that an operation needs in addition to its inputs.
struct NativeAttributes {
  // The constant c of the rule (op_constant). For a constant scalar, its value. Otherwise 0.
  double constant;
  int64_t begin;    // of a slice
  int64_t end;      // of a slice
  bool transposed;  // of linear and matmul
};

// Native memory by purpose, in bytes.
struct NativeMemoryUse {
  int64_t arena;
  int64_t parameters;
  int64_t constants;
  int64_t state;  // the optimizer's state
  int64_t gradients;
  int64_t inputs;
  int64_t dataset;
  int64_t checks;
};

// The memory of a device, in bytes.
struct NativeDeviceMemory {
  int64_t held;       // held by the library now
  int64_t peak;       // the most that the library has held at a time
  int64_t available;  // free memory; JavaCPP reserves the name "free"
  int64_t total;
};

// Statistics of one node on a batch.
struct NativeStatistics {
  int32_t node;
  int64_t count;  // number of values
  double minimum;
  double maximum;
  double mean;
  double standard_deviation;
  double delta_norm;     // ‖δ‖; NaN if the node has no δ
  double gradient_norm;  // NaN if the node is not a parameter
};

// One comparison of a gradient check.
struct NativeFinding {
  NativeVerdict verdict;
  int32_t node;     // -1: all parameters and inputs together
  int64_t row;      // -1: a random direction, not a single element
  int64_t column;   // -1: a random direction
  double expected;  // from differences of the loss
  double found;     // from the backward pass
  double error;     // relative error
  int32_t kink;     // the node with the kink; -1: unknown, or there is none
};

// A computation graph that is being built. Not thread-safe.
class CHAINRULE_EXPORT NativeGraph {
 public:
  static NativeGraph* create();
  static void destroy(NativeGraph* graph);

  // `op` is input, target or label. `size` is the number of features, or of classes for a label.
  int32_t data(int32_t op, const char* name, int64_t size);
  int32_t parameter(const char* name, int64_t rows, int64_t columns, NativeInitializer initializer,
                    double value);
  // `count` values, row by row. If the name is empty, the name is the operation and the number of the node.
  int32_t constant(const char* name, int64_t rows, int64_t columns, const double* values, int64_t count);
  // Adds a linear layer with its own weight and bias (graph/graph.h): three nodes. Returns the number of the last node,
  // the layer. On an error no node is added.
  int32_t linear(const char* name, int32_t x, int64_t features, NativeInitializer initializer, double value);
  // Adds a row-wise operation (it uses all features of a sample) with its own parameters (graph/graph.h). Returns the
  // number of the last node, the operation. On an error no node is added.
  int32_t rowwise(int32_t op, const char* name, int32_t x, double constant);
  // Adds any other operation. Its name is the operation and the number of the node. Inputs of linear: x, weight and
  // optionally bias. Inputs of matmul: x, weight. Inputs of a loss: prediction, then target or label. `attributes` is
  // the struct that new_attributes() returned, with its fields set.
  int32_t add(int32_t op, const int32_t* inputs, int32_t count, const NativeAttributes* attributes);
  NativeAttributes* new_attributes();  // all fields are 0
  // Adds a user-defined operation that was registered under the name `operation`.
  int32_t custom(const char* operation, int32_t input);
  // Renames a node, and also its weight and bias if they were named after the node (graph/graph.h).
  void rename(int32_t node, const char* name);

  int32_t size() const;
  const char* name(int32_t node) const;
  int32_t op(int32_t node) const;
  bool batched(int32_t node) const;
  int64_t rows(int32_t node) const;
  int64_t columns(int32_t node) const;
  int32_t input_count(int32_t node) const;
  int32_t input(int32_t node, int32_t index) const;
  const char* operation(int32_t node) const;  // the registered name of a custom node; otherwise empty
  const NativeAttributes* attributes(int32_t node);
  // Reads the rows * columns values of a constant, row by row.
  void read_constant(int32_t node, double* values, int64_t count) const;

 private:
  NativeGraph() = default;
  ~NativeGraph() = default;
  friend class NativeModel;
  struct Body;
  Body* body = nullptr;
};

// A graph's parameters on a device.
class CHAINRULE_EXPORT NativeModel {
 public:
  // Copies the graph as it is now and draws the parameters from the seed. `device` is 0 for the CPU, or a number that
  // open_cuda returned.
  static NativeModel* create(const NativeGraph* graph, bool double_precision, int64_t seed, int32_t device);
  static NativeModel* load(const char* path, int32_t device);
  static void destroy(NativeModel* model);

  NativeModel* snapshot() const;  // a copy that later training does not change
  NativeGraph* graph() const;     // a new handle; the caller must destroy it
  void save(const char* path) const;
  bool double_precision() const;
  const NativeMemoryUse* memory();
  int64_t seed() const;
  // The rows * columns values of one parameter, row-major [out][in].
  void read_parameter(int32_t node, float* values, int64_t count) const;
  void read_parameter(int32_t node, double* values, int64_t count) const;
  void write_parameter(int32_t node, const float* values, int64_t count);
  void write_parameter(int32_t node, const double* values, int64_t count);

 private:
  NativeModel() = default;
  ~NativeModel() = default;
  friend class NativeTrainer;
  friend class NativePredictor;
  friend class NativeWorkspace;
  friend class NativeGradientCheck;
  friend class NativeJacobian;
  friend class NativeGradients;
  struct Body;
  Body* body = nullptr;
};

// The addresses of the data of one caller. Each data node of the graph (input, target, label) has a slot; slots are
// numbered in the order in which the nodes were created. The address of a slot points to [batch][feature] values of the
// model's type, or to int32 class indices.
class CHAINRULE_EXPORT NativeInputs {
 public:
  // One address per slot. The caller may write the addresses of its own memory here. 0: no data.
  int64_t* addresses();
  // Allocates memory for `batch` samples in this object, sets the address of the slot to it and returns it.
  char* reserve(int32_t slot, int64_t batch);
  // Returns true if data must be given for the slot.
  bool needed(int32_t slot) const;

 private:
  NativeInputs() = default;
  ~NativeInputs() = default;
  friend class NativeTrainer;
  friend class NativeWorkspace;
  friend class NativePredictor;
  friend class NativeGradientCheck;
  friend class NativeJacobian;
  friend class NativeGradients;
  struct Body;
  Body* body = nullptr;
};

// Columns of examples in native memory.
class CHAINRULE_EXPORT NativeDataset {
 public:
  static NativeDataset* create(int64_t examples);
  static void destroy(NativeDataset* dataset);

  // A label column has int32 class indices and features = 1. Returns memory for examples * features values, which the
  // caller must fill.
  char* add_column(const char* name, NativeColumnType type, int64_t features);

 private:
  NativeDataset() = default;
  ~NativeDataset() = default;
  friend class NativeTrainer;
  struct Body;
  Body* body = nullptr;
};

// The registry of optimizers (optim/optimizer.h).
CHAINRULE_EXPORT int32_t optimizer_count();
CHAINRULE_EXPORT const char* optimizer_name(int32_t optimizer);

// An optimizer, identified by its name, and its settings, identified by their names. Settings start with their default
// values. Their ranges are checked when a trainer is created.
class CHAINRULE_EXPORT NativeOptimizer {
 public:
  static NativeOptimizer* create(const char* name);
  static void destroy(NativeOptimizer* optimizer);

  void set(const char* setting, double value);
  double value(const char* setting) const;
  int32_t setting_count() const;
  const char* setting(int32_t index) const;
  // Throws InvalidArgument if creating a trainer of a model of this precision would throw it.
  void check(bool double_precision) const;

 private:
  NativeOptimizer() = default;
  ~NativeOptimizer() = default;
  friend class NativeTrainer;
  struct Body;
  Body* body = nullptr;
};

// Trains a model on a loss. One thread at a time.
class CHAINRULE_EXPORT NativeTrainer {
 public:
  static NativeTrainer* create(NativeModel* model, int32_t loss, const NativeOptimizer* optimizer);
  // Reads a file that save wrote. `model` must have been loaded from the same file.
  static NativeTrainer* load(NativeModel* model, const char* path);
  static void destroy(NativeTrainer* trainer);

  NativeInputs* inputs();          // belongs to the trainer
  double step(int64_t batch);      // forward, backward, update; returns the loss before the update
  double evaluate(int64_t batch);  // computes only the loss
  // While on, a step throws Error at the first non-finite value; the message says where it is.
  void checking(bool on);
  const NativeMemoryUse* memory();

  // Binds a data set. Its columns are matched with the data nodes by name. Checks all labels.
  void bind(NativeDataset* dataset, int64_t batch_size);
  void shuffle(bool on, int64_t seed);
  // Trains on the bound data set until `max_steps` steps are done, `epochs` epochs are completed in total (as epoch()
  // counts them) or `max_milliseconds` are over. Returns the number of steps done. The samples are copied through the
  // memory of inputs(), which may be reallocated: addresses that reserve() returned before are then no longer valid.
  int64_t fit(int64_t max_steps, int64_t epochs, double max_milliseconds);
  // The mean loss per sample: running_loss() since the current epoch began, epoch_loss() over the previous epoch.
  // Before the first step of an epoch both return the mean of the previous epoch.
  double running_loss() const;
  double epoch_loss() const;

  double learning_rate() const;
  void set_learning_rate(double value);
  int64_t steps() const;           // updates done
  int64_t epoch() const;           // epochs completed
  int64_t epoch_position() const;  // samples of the current epoch that have been trained on
  int32_t loss() const;
  // Returns true if the loss depends on the parameter.
  bool trains(int32_t parameter) const;
  // Returns the phases of a step as text.
  const char* plan(int64_t batch);
  // Does `steps` training steps. Returns the phases as text with the mean time of each.
  const char* profile(int64_t batch, int64_t steps);
  void save(const char* path) const;  // the model and all that is needed to resume training

 private:
  NativeTrainer() = default;
  ~NativeTrainer() = default;
  struct Body;
  Body* body = nullptr;
};

// The memory of one caller for predictions: inputs, outputs and intermediate values.
class CHAINRULE_EXPORT NativeWorkspace {
 public:
  static void destroy(NativeWorkspace* workspace);

  NativeInputs* inputs();  // belongs to the workspace
  // Returns memory for the output at position `index`, [batch][feature].
  char* reserve_output(int32_t index, int64_t batch);

 private:
  NativeWorkspace() = default;
  ~NativeWorkspace() = default;
  friend class NativePredictor;
  struct Body;
  Body* body = nullptr;
};

// Computes chosen nodes of a model. Thread-safe if each thread uses its own workspace.
class CHAINRULE_EXPORT NativePredictor {
 public:
  static NativePredictor* create(NativeModel* model, const int32_t* outputs, int32_t count);
  static void destroy(NativePredictor* predictor);

  NativeWorkspace* workspace() const;  // a new one; the caller must destroy it
  // Returns true if data must be given for the slot.
  bool needed(int32_t slot) const;
  // Waits for a training step that is running on the model. Writes the values to the outputs of the workspace.
  void predict(NativeWorkspace* workspace, int64_t batch) const;
  // While on, predict throws Error at the first non-finite value; the message says where it is.
  void checking(bool on);

 private:
  NativePredictor() = default;
  ~NativePredictor() = default;
  struct Body;
  Body* body = nullptr;
};

// Compares gradients with differences of the loss, in double precision. One thread at a time.
class CHAINRULE_EXPORT NativeGradientCheck {
 public:
  // Copies the current parameters as doubles.
  static NativeGradientCheck* create(const NativeModel* model, int32_t loss);
  static void destroy(NativeGradientCheck* check);

  NativeInputs* inputs();  // belongs to the check; values are doubles
  // Makes run() check this element in addition to its random choice: [row][column] of a parameter, or [sample][feature]
  // of an input.
  void choose(int32_t node, int64_t row, int64_t column);
  // Returns the number of findings.
  int64_t run(int64_t batch, int32_t directions, int32_t coordinates, double tolerance, int64_t seed);
  const NativeFinding* finding(int64_t number);
  int64_t worst() const;  // the number of the worst finding

 private:
  NativeGradientCheck() = default;
  ~NativeGradientCheck() = default;
  struct Body;
  Body* body = nullptr;
};

// Computes the gradients of a loss and statistics of each node on a batch. Changes neither parameters nor training. One
// thread at a time.
class CHAINRULE_EXPORT NativeGradients {
 public:
  static NativeGradients* create(const NativeModel* model, int32_t loss);
  static void destroy(NativeGradients* gradients);

  NativeInputs* inputs();  // belongs to the gradients
  // Random operations use the random numbers of the training step that follows `steps` steps.
  void set_steps_before(int64_t steps);
  double compute(int64_t batch);  // forward and backward; returns the loss
  // Reads a gradient of the last compute(): of a parameter, [out][in], or of an input, [batch][feature].
  void read(int32_t node, float* values, int64_t count) const;
  void read(int32_t node, double* values, int64_t count) const;
  // Runs forward and backward. Returns the number of statistics: one per node that the loss depends on, in the order of
  // the graph.
  int32_t statistics(int64_t batch);
  const NativeStatistics* statistic(int32_t number);
  const NativeMemoryUse* memory();

 private:
  NativeGradients() = default;
  ~NativeGradients() = default;
  struct Body;
  Body* body = nullptr;
};

// The Jacobian matrices of one node with respect to another. One thread at a time.
class CHAINRULE_EXPORT NativeJacobian {
 public:
  // Computes the Jacobian matrices of node z with respect to node x.
  static NativeJacobian* create(NativeModel* model, int32_t z, int32_t x);
  static void destroy(NativeJacobian* jacobian);

  NativeInputs* inputs();                 // belongs to the Jacobian
  int64_t matrices(int64_t batch) const;  // one per sample, or a single one
  // Writes matrices * (values of x) * (values of z) numbers, matrix by matrix, row by row.
  void compute(int64_t batch, bool by_differences, double* values, int64_t count);

 private:
  NativeJacobian() = default;
  ~NativeJacobian() = default;
  struct Body;
  Body* body = nullptr;
};

// The registry of operations (ops/op.h).
CHAINRULE_EXPORT int32_t op_count();
CHAINRULE_EXPORT const char* op_name(int32_t op);
// The kind and traits of an operation, as in the registry (ops/op.h). `op_constant` returns the name of its constant,
// or an empty text.
CHAINRULE_EXPORT int32_t kind_count();
CHAINRULE_EXPORT const char* kind_name(int32_t kind);
CHAINRULE_EXPORT int32_t op_kind(int32_t op);
CHAINRULE_EXPORT const char* op_constant(int32_t op);
CHAINRULE_EXPORT const char* op_constant_range(int32_t op);  // in words, or empty
CHAINRULE_EXPORT bool op_is_data(int32_t op);
CHAINRULE_EXPORT bool op_is_linear(int32_t op);
CHAINRULE_EXPORT bool op_has_kink(int32_t op);
CHAINRULE_EXPORT bool op_is_activation(int32_t op);
CHAINRULE_EXPORT bool op_mixes_samples(int32_t op);

// User-defined elementwise operations (ops/custom.h). The host function computes `count` elements of operation
// `number`. Forward: result = a, computed from z; delta and a are null. Backward: result = d_z, computed from delta, z
// and a. It returns false if it failed. It is called on the thread that called the core.
typedef bool (*CustomHost)(int32_t number, bool backward, int64_t count, const double* delta, const double* z,
                           const double* a, double* result);
CHAINRULE_EXPORT void set_custom_host(CustomHost host);
// Returns the number of the operation. A name that is already registered keeps its number.
CHAINRULE_EXPORT int32_t register_custom(const char* name);
CHAINRULE_EXPORT void unregister_custom(const char* name);

// The number of CPU threads of the team, which the whole process shares.
CHAINRULE_EXPORT void set_threads(int32_t threads);
CHAINRULE_EXPORT int32_t threads();
CHAINRULE_EXPORT int32_t max_threads();

// Which code computes the matrix products of plans that are created from now on. automatic: the BLAS or our own tile
// kernel (backend/cpu/products.h), chosen by a fixed rule on shapes. own: the tile kernel if the machine has one and
// the type is float. blas: always the BLAS.
CHAINRULE_EXPORT void set_products(NativeProducts which);
CHAINRULE_EXPORT NativeProducts products();

// CUDA. `library` is the file of the second native library, or "" if there is none. `folders` is a list of folders
// joined by ':'; they are searched for CUDA's own libraries before the folders of the system. Texts have one sentence
// per line (devices/devices.h).
CHAINRULE_EXPORT const char* cuda_problems(const char* library, const char* folders);  // empty: no problems
CHAINRULE_EXPORT const char* describe_cuda(const char* library, const char* folders);
CHAINRULE_EXPORT int32_t cuda_device_count(const char* library, const char* folders);
// `tuning` is the path of a tuning file, or "". Returns the number of the device for NativeModel. The same arguments
// give the same number.
CHAINRULE_EXPORT int32_t open_cuda(const char* library, const char* folders, int32_t index,
                                   NativePrecision precision, const char* tuning);
// The algorithms of products that the device has chosen by timing, one line per product.
CHAINRULE_EXPORT const char* tuned_products(int32_t device);

// The result is valid until the next call from the same thread.
CHAINRULE_EXPORT const NativeDeviceMemory* device_memory(int32_t device);

// Native memory held by the library, in bytes, and the number of allocations since the process began.
CHAINRULE_EXPORT int64_t native_bytes();
CHAINRULE_EXPORT int64_t native_allocations();

// The BLAS that is really in use and its file: "OpenBLAS 0.3.31 ..., kernel SkylakeX, 1 thread".
CHAINRULE_EXPORT const char* blas_description();
// baseline, avx2 or avx512.
CHAINRULE_EXPORT const char* instruction_set();

}  // namespace api
}  // namespace chainrule
