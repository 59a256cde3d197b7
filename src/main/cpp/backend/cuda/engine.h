// The engine behind the table: a device, its streams, programs made ready, and runs.
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
  const bool
      captures;  // are programs run as graphs? (CHAINRULE_CUDA_GRAPHS=0 says no, for tools that cannot see into one)
  // May a kernel in a graph's conditional part have the instructions of tiles as its parameter, 12.5 KiB? CUDA documents up to
  // 32,764 bytes, but not there. It is tried, or CHAINRULE_CUDA_LARGE_PARAMETERS=1 or 0 says so. If not, kernels read the
  // instructions in device memory.
  const bool large_parameters;
  cuda::EngineMemory memory;
  cuda::Products products;

  // For copies that belong to no stream; one at a time.
  std::mutex mutex;
  std::unique_ptr<cuda::Queue, cuda::QueueDeleter> queue;
};

struct CudaProgram {
  CudaProgram(CudaEngine& engine, const CudaProgramView& view);

  // Makes the copies of factors that a run from phase `first` on reads, but that belong to phases before it: of what
  // earlier runs have left in scratch nothing is known.
  void begin(const cuda::Run& run, int32_t first) const;

  const int64_t number;  // no other program has it
  const DType dtype;
  const int32_t phases;
  const int32_t backward_begin;
  const Operand loss;
  std::vector<cuda::Launch> launches;              // in order; each belongs to a phase
  std::vector<Coefficient> alphas, betas;          // by step
  std::vector<int64_t> input_bytes, output_bytes;  // by slot; 0: not used
  int64_t scratch_bytes = 0;
  int64_t table_bytes = 0;  // of the instructions of all tiles
  bool multiplies[2] =
      {};  // are there products of the BLAS in this lane of a step's halves? They need a workspace

 private:
  void add_phase(CudaEngine& engine, const CudaProgramView& view, int32_t phase);
  void add_launch(CudaEngine& engine, const Step& step, int32_t index, int32_t phase);
  void prepare_product(CudaEngine& engine, cuda::Launch* launch);
  void convert_factors(cuda::Launch* product);
  void assign_copy_offsets();
  void note_lanes();
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

  // Until the device does nothing for this stream, whatever has failed: memory must not go while it works on it.
  void wait() noexcept;

  // See the table (library.h).
  void run(CudaProgram& program, const Context& context, int32_t first, int32_t last);
  void begin_steps(CudaProgram& program, const Context& context, const StepNumbers* numbers, int32_t count);
  void await_inputs(int32_t step);
  void launch_step(CudaProgram& program, const Context& context, int32_t step);
  void end_steps(const CudaProgram& program, const Context& context, int32_t launched, double* losses);

 private:
  // Device memory for the data of a run. There are two, so that a step's data come while the one before computes.
  struct InputSet {
    std::vector<cuda::Block> blocks;  // by slot
    std::vector<char*> addresses;
    std::unique_ptr<cuda::Event, cuda::EventDeleter> copied, consumed;
  };

  // A captured run, and what it was captured for.
  struct Captured {
    explicit Captured(cuda::EngineMemory& memory) : tables(memory, cuda::MemoryKind::device) {}

    int64_t program = -1;
    int32_t first = 0, last = 0;
    bool checked = false;  // a whole step, the backward phases only if it trains
    int32_t set = 0;       // of inputs
    char* base[space_count] = {};
    int64_t generation = 0;
    uint64_t columns = 0;
    bool loaded = false;  // has it run without a graph, so that the device has what it needs?
    int64_t used = 0;     // when
    cuda::Block tables;   // that the graph reads
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
  std::unique_ptr<cuda::Queue, cuda::QueueDeleter> copies_;  // of steps' data, beside the computing
  cuda::Block arguments_, pinned_arguments_;
  int64_t arguments_of_ = -1;  // the program whose numbers are there, unless steps have changed them
  cuda::Block pinned_results_;
  cuda::Block scratch_;
  cuda::Block workspaces_[2];  // of the BLAS, by lane
  cuda::Block tables_;         // of a run without a graph
  char* tables_at_ = nullptr;  // those of the run at hand
  InputSet sets_[2];
  int32_t set_ = 0;                   // that the run at hand reads
  bool overlaps_ = false;             // are the steps at hand more than one, whose data come by copies_?
  std::vector<cuda::Block> outputs_;  // device memory by slot
  std::vector<char*> output_addresses_;
  int64_t generation_ = 0;  // changes when one of these moves
  int64_t clock_ = 0;
  std::vector<Captured> captured_;
  std::vector<std::unique_ptr<cuda::Event, cuda::EventDeleter>> events_[2];  // untimed, timed
};

}  // namespace chainrule
