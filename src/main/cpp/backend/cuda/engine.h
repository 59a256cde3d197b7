// The engine behind the table of functions: a device, its streams, prepared programs, and their runs.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "backend/cuda/conversions.h"
#include "backend/cuda/memory.h"
#include "backend/cuda/program.h"

namespace chainrule {

namespace cuda {

struct GraphDeleter {
  void operator()(Graph* graph) const { destroy(graph); }
};
struct EventDeleter {
  void operator()(Event* event) const { destroy(event); }
};

}  // namespace cuda

struct CudaEngine {
  CudaEngine(int32_t index, CudaPrecision how);

  const int32_t device;
  const CudaPrecision precision;
  // Runs are captured as CUDA graphs. CHAINRULE_CUDA_GRAPHS=0 turns this off, for tools that cannot inspect a graph.
  const bool captures;
  // True: a tile kernel in a graph's conditional part gets its instructions as a parameter (tile::parameter_bytes, 14
  // KiB). CUDA documents parameters of up to 32,764 bytes, but does not mention the conditional part. Therefore the
  // engine tests such a kernel (probe.h), unless CHAINRULE_CUDA_LARGE_PARAMETERS is 1 or 0. If the test fails, tile
  // kernels read their instructions from device memory.
  const bool large_parameters;
  cuda::EngineMemory memory;
  cuda::Products products;

  // For work that belongs to no caller's stream. The mutex guards the queue.
  std::mutex mutex;
  std::unique_ptr<cuda::Queue, cuda::QueueDeleter> queue;
};

struct CudaProgram {
  CudaProgram(CudaEngine& engine, const CudaProgramView& view);

  // Before a run that begins at phase `first`: repeats the conversions of earlier phases whose copies the run reads.
  // The copies of an earlier run may have been overwritten, because all programs of a stream share its scratch.
  void repeat_conversions(const cuda::Run& run, int32_t first) const;

  const int64_t number;  // unique per program
  const DType dtype;
  const int32_t phases;
  const int32_t backward_begin;
  const Operand loss;
  std::vector<cuda::Launch> launches;              // in order; each belongs to a phase
  std::vector<Coefficient> alphas, betas;          // by step
  std::vector<int64_t> input_bytes, output_bytes;  // by slot; 0: not used
  int64_t scratch_bytes = 0;
  int64_t table_bytes = 0;  // the instructions of all tile kernels
  // By lane (lanes.h): the lane contains products of the BLAS in the forward or backward half of a step. These products
  // need a workspace.
  bool multiplies[2] = {};

 private:
  void add_phase(CudaEngine& engine, const CudaProgramView& view, int32_t phase);
  void add_launch(CudaEngine& engine, const Step& step, int32_t index, int32_t phase);
  void prepare_product(CudaEngine& engine, cuda::Launch* launch);
  void convert_factors(cuda::Launch* product);
  void assign_copy_offsets();
  void find_product_lanes();
  static void record_accesses(const Step& step, cuda::Launch* launch);
  static void touch_scratch(int64_t offset, int64_t bytes, bool writes, cuda::Launch* launch);
  void add_segments(CudaEngine& engine, cuda::Launch* launch);
  void record_slots(const Step& step);

  std::vector<cuda::Block> tables_;
  cuda::Conversions conversions_;
};

struct CudaStream {
  explicit CudaStream(CudaEngine& engine);
  ~CudaStream() { wait(); }

  // Waits until the device has finished all work of this stream and ignores errors. For use before memory of the stream
  // is freed.
  void wait() noexcept;

  // See library.h.
  void run(CudaProgram& program, const Context& context, int32_t first, int32_t last);
  void begin_steps(CudaProgram& program, const Context& context, const StepNumbers* numbers, int32_t count);
  void await_inputs(int32_t step);
  void launch_step(CudaProgram& program, const Context& context, int32_t step);
  void end_steps(const CudaProgram& program, const Context& context, int32_t launched, double* losses);

 private:
  // Device memory for the data of a run. There are two sets, so that copying a step's data overlaps with the previous
  // step.
  struct InputSet {
    std::vector<cuda::Block> blocks;  // by slot
    std::vector<char*> addresses;
    // Recorded after the data were copied to the set, and after the step that reads the set.
    std::unique_ptr<cuda::Event, cuda::EventDeleter> copied, consumed;
  };

  // A captured run and the conditions under which its graph is valid.
  struct Captured {
    explicit Captured(cuda::EngineMemory& memory) : tables(memory, cuda::MemoryKind::device) {}

    int64_t program = -1;
    int32_t first = 0, last = 0;
    bool checked = false;  // a whole training step, whose backward phases run only if the loss is finite
    int32_t set = 0;       // the set of inputs
    char* base[space_count] = {};
    int64_t generation = 0;
    uint64_t columns = 0;  // a hash of the resident columns
    bool loaded = false;   // It has run once without a graph, so that the device has loaded its kernels.
    int64_t used = 0;      // the time of the last use, by clock_
    cuda::Block tables;    // the instructions that the graph reads
    std::unique_ptr<cuda::Graph, cuda::GraphDeleter> graph;
  };

  void grow(cuda::Block* block, int64_t bytes);
  void grow(const std::vector<int64_t>& bytes, std::vector<cuda::Block>* blocks,
            std::vector<char*>* addresses);
  void grow(const CudaProgram& program, bool second_set);
  void send_arguments(const CudaProgram& program, const Context& context, const StepNumbers* numbers,
                      int32_t count);
  void send_inputs(const CudaProgram& program, const Context& context, cuda::Queue* queue);
  void send_tables(const CudaProgram& program, const Context& context, cuda::Block* to);
  void fetch_outputs(const CudaProgram& program, const Context& context);
  void enqueue(const CudaProgram& program, const Context& context, int32_t first, int32_t last);
  void enqueue_in_lanes(const CudaProgram& program, const Context& context, int32_t first, int32_t last);
  void gather(const CudaProgram& program, const Context& context);
  void launch(CudaProgram& program, const Context& context, int32_t first, int32_t last, bool checked);
  bool run_directly(const CudaProgram& program, const Context& context, int32_t first, int32_t last,
                    bool checked);
  bool trains(const CudaProgram& program, const Context& context);
  void run_timed(const CudaProgram& program, const Context& context, int32_t first, int32_t last);
  Captured& captured(const CudaProgram& program, const Context& context, int32_t first, int32_t last,
                     bool checked);
  void capture(Captured* into, const CudaProgram& program, const Context& context);
  cuda::Run run_of(const Context& context, int32_t lane = 0);
  cuda::Event* event(size_t number, bool timed);
  cuda::Arguments* arguments() const { return reinterpret_cast<cuda::Arguments*>(arguments_.data()); }
  cuda::LossCheck loss_check(const CudaProgram& program, const Context& context) const;

  CudaEngine& engine_;
  std::unique_ptr<cuda::Queue, cuda::QueueDeleter> queue_;
  std::unique_ptr<cuda::Queue, cuda::QueueDeleter> copies_;  // copies the data of a burst's steps
  cuda::Block arguments_, pinned_arguments_;
  int64_t arguments_of_ = -1;  // the program whose arguments are on the device; -1: none or changed
  cuda::Block pinned_results_;
  cuda::Block scratch_;
  cuda::Block workspaces_[2];  // for the BLAS, by lane
  cuda::Block tables_;         // the tile instructions of a run without a graph
  char* tables_at_ = nullptr;  // the tile instructions of the current run; null: they are kernel parameters
  InputSet sets_[2];
  int32_t set_ = 0;                   // the input set of the current run
  bool overlaps_ = false;             // The current burst has more than one step.
  std::vector<cuda::Block> outputs_;  // device memory by slot
  std::vector<char*> output_addresses_;
  int64_t generation_ = 0;  // incremented when the address of one of these blocks changes
  int64_t clock_ = 0;       // incremented at each use of a graph
  std::vector<Captured> captured_;
  std::vector<std::unique_ptr<cuda::Event, cuda::EventDeleter>> events_[2];  // [0] untimed, [1] timed
};

}  // namespace chainrule
