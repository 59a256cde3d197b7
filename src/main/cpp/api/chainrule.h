// The native API: the only header that JavaCPP parses. Opaque classes, plain types; every function checks its arguments
// first and throws a sentence (InvalidArgument, Error: util/check.h). Names are UTF-8. Nodes are numbers: the order
// in which they were made. Objects are made by `create` and friends and freed by `destroy`, once; everything else
// about lifetimes (use after close, close while running) is the Java side's business.
#pragma once

#include <cstdint>

#if defined(__GNUC__)
#define CHAINRULE_EXPORT __attribute__((visibility("default")))
#else
#define CHAINRULE_EXPORT
#endif

namespace chainrule {
namespace api {

// Enums: those of the core with the same names (bodies.h), which JavaCPP turns into Java enums. Structs: JavaCPP turns each
// field into a pair of methods. One that a function returns belongs to its object and is valid until the next call of the
// same function; JavaCPP would count one that Java made against the heap's limit.
enum class NativeInitializer : int32_t { constant, glorot_uniform, glorot_normal, he_uniform, he_normal };
enum class NativeColumnType : int32_t { float32, float64, label };
enum class NativePrecision : int32_t { float32, tf32, bfloat16 };
enum class NativeProducts : int32_t { automatic, blas, own };
enum class NativeVerdict : int32_t { agrees, differs, kink, not_a_number, too_weak };

// What a node has besides inputs.
struct NativeAttributes {
  double constant;  // the c of the rule (op_constant); of a constant scalar its value; elsewhere 0
  int64_t begin;    // slice
  int64_t end;      // slice
  bool transposed;  // linear, matmul
};

// Bytes of native memory by what it is for.
struct NativeMemoryUse {
  int64_t arena;
  int64_t parameters;
  int64_t constants;
  int64_t state;  // of the optimizer
  int64_t gradients;
  int64_t inputs;
  int64_t dataset;
  int64_t checks;
};

// A device's memory in bytes.
struct NativeDeviceMemory {
  int64_t held;       // by the library now
  int64_t peak;       // the most that it has held
  int64_t available;  // can still be had; "free" is taken in JavaCPP
  int64_t total;
};

// What a batch makes of one node.
struct NativeStatistics {
  int32_t node;
  int64_t count;  // values
  double minimum;
  double maximum;
  double mean;
  double standard_deviation;
  double delta_norm;     // ‖δ‖; NaN: the node has none
  double gradient_norm;  // of a parameter; NaN: it is none
};

// One comparison of a gradient check.
struct NativeFinding {
  NativeVerdict verdict;
  int32_t node;    // -1: all parameters and inputs together
  int64_t row;     // -1: a random direction
  int64_t column;  // -1: a random direction
  double expected;
  double found;
  double error;  // relative
  int32_t kink;  // the node with the kink; -1: not known, or none
};

// A computation graph being built. Not safe to change from two threads.
class CHAINRULE_EXPORT NativeGraph {
 public:
  static NativeGraph* create();
  static void destroy(NativeGraph* graph);

  // input, target (features) or label (classes); `op` says which.
  int32_t data(int32_t op, const char* name, int64_t size);
  int32_t parameter(const char* name, int64_t rows, int64_t columns, NativeInitializer initializer,
                    double value);
  // `count` values, row by row. The name may be empty: then it is the operation and the node's number.
  int32_t constant(const char* name, int64_t rows, int64_t columns, const double* values, int64_t count);
  // A linear layer with a weight and a bias of its own (graph/graph.h): three nodes, of which it is the last, or none.
  int32_t linear(const char* name, int32_t x, int64_t features, NativeInitializer initializer, double value);
  // A row-wise operation with parameters of its own (graph/graph.h): it is the last of the nodes, or none is made.
  int32_t rowwise(int32_t op, const char* name, int32_t x, double constant);
  // Any other operation, named by itself and the node's number. linear: x, weight, bias?; matmul: x, weight; loss:
  // prediction, target or label. `attributes` are new_attributes(), set before.
  int32_t add(int32_t op, const int32_t* inputs, int32_t count, const NativeAttributes* attributes);
  NativeAttributes* new_attributes();  // with all of them 0
  // An operation of the user's own, registered under the name `operation`.
  int32_t custom(const char* operation, int32_t input);
  // Also renames the weight and bias that are called like the node (graph/graph.h).
  void rename(int32_t node, const char* name);

  int32_t size() const;
  const char* name(int32_t node) const;
  int32_t op(int32_t node) const;
  bool batched(int32_t node) const;
  int64_t rows(int32_t node) const;
  int64_t columns(int32_t node) const;
  int32_t input_count(int32_t node) const;
  int32_t input(int32_t node, int32_t index) const;
  const char* operation(int32_t node) const;  // of a custom node: the registered name; else empty
  const NativeAttributes* attributes(int32_t node);
  // The rows * columns values of a constant, row by row.
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
  // A copy of the graph as it is now; parameters drawn from the seed. `device` is 0 for the processor, or what
  // open_cuda returned.
  static NativeModel* create(const NativeGraph* graph, bool double_precision, int64_t seed, int32_t device);
  static NativeModel* load(const char* path, int32_t device);
  static void destroy(NativeModel* model);

  NativeModel* snapshot() const;  // a copy that later training does not change
  NativeGraph* graph() const;     // a new handle: destroy it
  void save(const char* path) const;
  bool double_precision() const;
  const NativeMemoryUse* memory();
  int64_t seed() const;
  // rows * columns values of one parameter, row-major [out][in].
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

// Where one caller's data lie: for each data node of the graph (input, target, label, in the order they were made: its
// slot) the address of [batch][feature] values of the model's type, or of int32 class indices.
class CHAINRULE_EXPORT NativeInputs {
 public:
  int64_t* addresses();                        // one a slot; write own addresses here; 0: no data
  char* reserve(int32_t slot, int64_t batch);  // memory of ours for `batch` samples; its address is set too
  bool needed(int32_t slot) const;             // must data be given?

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

// Columns of examples that lie in native memory.
class CHAINRULE_EXPORT NativeDataset {
 public:
  static NativeDataset* create(int64_t examples);
  static void destroy(NativeDataset* dataset);

  // A label column has int32 class indices, and features = 1. Returns examples * features values to fill.
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

// An optimizer by its name, and its settings by theirs, first with their default values. Ranges are checked when a
// trainer is made of it.
class CHAINRULE_EXPORT NativeOptimizer {
 public:
  static NativeOptimizer* create(const char* name);
  static void destroy(NativeOptimizer* optimizer);

  void set(const char* setting, double value);
  double value(const char* setting) const;
  int32_t setting_count() const;
  const char* setting(int32_t index) const;
  void check(bool double_precision) const;  // refuses what a trainer of such a model would refuse

 private:
  NativeOptimizer() = default;
  ~NativeOptimizer() = default;
  friend class NativeTrainer;
  struct Body;
  Body* body = nullptr;
};

// Trains a model on a loss. One caller at a time.
class CHAINRULE_EXPORT NativeTrainer {
 public:
  static NativeTrainer* create(NativeModel* model, int32_t loss, const NativeOptimizer* optimizer);
  // From a file written by save: a trainer for `model`, which was loaded from the same file.
  static NativeTrainer* load(NativeModel* model, const char* path);
  static void destroy(NativeTrainer* trainer);

  NativeInputs* inputs();          // belongs to the trainer
  double step(int64_t batch);      // forward, backward, update; returns the loss before the update
  double evaluate(int64_t batch);  // the loss alone
  // Stop at the first value that is not finite, and say where it is.
  void checking(bool on);
  const NativeMemoryUse* memory();

  // Binds a dataset: columns by the names of the data nodes. All labels are checked here.
  void bind(NativeDataset* dataset, int64_t batch_size);
  void shuffle(bool on, int64_t seed);
  // Steps over the bound dataset until one of: max_steps done, `epochs` epochs completed in all (epoch() counts
  // them), max_milliseconds over. Returns the number of steps done. The samples go through the memory of
  // inputs(), which may move: addresses that reserve() gave before are no longer valid.
  int64_t fit(int64_t max_steps, int64_t epochs, double max_milliseconds);
  // The mean loss, a sample's weight each, of the samples since the running epoch began, and of the epoch before.
  double running_loss() const;
  double epoch_loss() const;

  double learning_rate() const;
  void set_learning_rate(double value);
  int64_t steps() const;           // updates made
  int64_t epoch() const;           // epochs completed
  int64_t epoch_position() const;  // samples of the running epoch already trained
  int32_t loss() const;
  bool trains(int32_t parameter) const;  // does it reach the loss?
  const char* plan(int64_t batch);       // the phases of a step, as text
  const char* profile(int64_t batch,
                      int64_t steps);  // the same with the times of so many training steps, made now
  void save(const char* path) const;   // the model and all that resuming needs

 private:
  NativeTrainer() = default;
  ~NativeTrainer() = default;
  struct Body;
  Body* body = nullptr;
};

// One caller's memory for predictions: inputs, outputs and what lies between.
class CHAINRULE_EXPORT NativeWorkspace {
 public:
  static void destroy(NativeWorkspace* workspace);

  NativeInputs* inputs();                              // belongs to the workspace
  char* reserve_output(int32_t index, int64_t batch);  // memory for output number `index`, [batch][feature]

 private:
  NativeWorkspace() = default;
  ~NativeWorkspace() = default;
  friend class NativePredictor;
  struct Body;
  Body* body = nullptr;
};

// Computes chosen nodes of a model. Any number of callers at once, each with its own workspace.
class CHAINRULE_EXPORT NativePredictor {
 public:
  static NativePredictor* create(NativeModel* model, const int32_t* outputs, int32_t count);
  static void destroy(NativePredictor* predictor);

  NativeWorkspace* workspace() const;  // a new one: destroy it
  bool needed(int32_t slot) const;     // must data be given?
  // Waits for a step that is running on the model. Values go to the workspace's outputs.
  void predict(NativeWorkspace* workspace, int64_t batch) const;
  void checking(bool on);  // stop at the first value that is not finite, and say where it is

 private:
  NativePredictor() = default;
  ~NativePredictor() = default;
  struct Body;
  Body* body = nullptr;
};

// Compares gradients with differences of the loss, in double. One caller at a time.
class CHAINRULE_EXPORT NativeGradientCheck {
 public:
  // With a copy of the parameters of now, as doubles.
  static NativeGradientCheck* create(const NativeModel* model, int32_t loss);
  static void destroy(NativeGradientCheck* check);

  NativeInputs* inputs();  // belongs to the check; double values
  // Check this element, too: [row][column] of a parameter, [sample][feature] of an input.
  void choose(int32_t node, int64_t row, int64_t column);
  // Returns how many findings there are.
  int64_t run(int64_t batch, int32_t directions, int32_t coordinates, double tolerance, int64_t seed);
  const NativeFinding* finding(int64_t number);
  int64_t worst() const;  // the number of the worst finding

 private:
  NativeGradientCheck() = default;
  ~NativeGradientCheck() = default;
  struct Body;
  Body* body = nullptr;
};

// The gradients of a loss, and numbers about each node, on a batch; nothing is changed. One caller at a time.
class CHAINRULE_EXPORT NativeGradients {
 public:
  static NativeGradients* create(const NativeModel* model, int32_t loss);
  static void destroy(NativeGradients* gradients);

  NativeInputs* inputs();                // belongs to the gradients
  void set_steps_before(int64_t steps);  // of the training step whose random numbers are used
  double compute(int64_t batch);         // forward and backward; returns the loss
  // Of the last compute(): of a parameter, [out][in], or of an input, [batch][feature].
  void read(int32_t node, float* values, int64_t count) const;
  void read(int32_t node, double* values, int64_t count) const;
  // Forward and backward; returns how many nodes there are numbers about: those that the loss depends on, in the order
  // of the graph.
  int32_t statistics(int64_t batch);
  const NativeStatistics* statistic(int32_t number);
  const NativeMemoryUse* memory();

 private:
  NativeGradients() = default;
  ~NativeGradients() = default;
  struct Body;
  Body* body = nullptr;
};

// The Jacobian matrices of one node by another. One caller at a time.
class CHAINRULE_EXPORT NativeJacobian {
 public:
  static NativeJacobian* create(NativeModel* model, int32_t z, int32_t x);
  static void destroy(NativeJacobian* jacobian);

  NativeInputs* inputs();                 // belongs to the Jacobian
  int64_t matrices(int64_t batch) const;  // one a sample, or one in all
  // Matrix by matrix, row by row: matrices * (values of x) * (values of z) numbers.
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
// An operation's kind and traits, as in the registry (ops/op.h); `op_constant` is the name of its constant, or empty.
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

// Elementwise operations of the user's own (ops/custom.h). The host computes `count` elements of operation `number`:
// forward result = a from z (delta and a are null), backward result = d_z from delta, z and a; it returns false when
// that failed. It is called on the thread that called into the core.
typedef bool (*CustomHost)(int32_t number, bool backward, int64_t count, const double* delta, const double* z,
                           const double* a, double* result);
CHAINRULE_EXPORT void set_custom_host(CustomHost host);
CHAINRULE_EXPORT int32_t register_custom(const char* name);  // its number; an old name keeps the one it has
CHAINRULE_EXPORT void unregister_custom(const char* name);

// The team of threads, the whole process's.
CHAINRULE_EXPORT void set_threads(int32_t threads);
CHAINRULE_EXPORT int32_t threads();
CHAINRULE_EXPORT int32_t max_threads();

// Who computes the matrix products of plans made from now on. automatic: the BLAS or a tile kernel of our own, by a fixed
// rule on shapes; own: the tile kernel wherever it can.
CHAINRULE_EXPORT void set_products(NativeProducts which);
CHAINRULE_EXPORT NativeProducts products();

// CUDA. `library` is the file of the second native library, "" when it is not there; `folders`, joined by ':', are where
// CUDA's own libraries are looked for before the system's. Texts are one sentence a line (devices/devices.h).
CHAINRULE_EXPORT const char* cuda_problems(const char* library, const char* folders);  // "": none
CHAINRULE_EXPORT const char* describe_cuda(const char* library, const char* folders);
CHAINRULE_EXPORT int32_t cuda_device_count(const char* library, const char* folders);
// `tuning` is the path of a tuning file, or "". Returns the device's number for NativeModel; the same again for the same.
CHAINRULE_EXPORT int32_t open_cuda(const char* library, const char* folders, int32_t index,
                                   NativePrecision precision, const char* tuning);
// The products that the device has chosen by timing, a line each.
CHAINRULE_EXPORT const char* tuned_products(int32_t device);

// Valid until the calling thread's next call.
CHAINRULE_EXPORT const NativeDeviceMemory* device_memory(int32_t device);

// Native memory held by the library, in bytes, and how often it was asked for since the process began.
CHAINRULE_EXPORT int64_t native_bytes();
CHAINRULE_EXPORT int64_t native_allocations();

// "OpenBLAS 0.3.31 ..., kernel SkylakeX, 1 thread": the library that really runs, and its file.
CHAINRULE_EXPORT const char* blas_description();
// baseline, avx2 or avx512.
CHAINRULE_EXPORT const char* instruction_set();

}  // namespace api
}  // namespace chainrule
