// Trains one network for compare.py. Gets options on the command line and one command per line on standard input.
// Prints one answer in JSON per line on standard output, with the seconds and the loss of the last step.
//   step N        runs N training steps on a batch in the CPU's memory
//   fit N         runs N training steps on a data set with many copies of that batch, which the engine can keep in its
//                 own memory
//   reset step    restores the initial parameters of the network that 'step' trains
//   reset fit     restores the initial parameters of the network that 'fit' trains
// With --tuning FILE, the algorithms of products are selected by timing and stored in the file.
// Parameters and data depend only on their index (uniform_value), so compare.py can compute the same values for the
// other contenders. Without options the program prints its usage.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "backend/cpu/blas.h"
#include "backend/cpu/team.h"
#include "devices/devices.h"
#include "runtime/trainer.h"

using namespace chainrule;

namespace {

// Returns a uniform value in [-1, 1) with 24 bits. compare.py has the same function.
float uniform_value(uint64_t stream, uint64_t index) {
  uint64_t x = (stream << 40) + index + 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  x ^= x >> 31;
  return static_cast<float>(static_cast<int64_t>(x >> 40) - (1 << 23)) / (1 << 23);
}

// Fills with scaled uniform values. Uses all cores, because the largest network has 142 million numbers.
void fill(float* values, int64_t count, uint64_t stream, float scale) {
  const int64_t cores = std::max<int64_t>(1, std::thread::hardware_concurrency());
  const int64_t each = std::max<int64_t>(int64_t{1} << 16, (count + cores - 1) / cores);
  std::vector<std::thread> threads;
  for (int64_t begin = 0; begin < count; begin += each) {
    threads.emplace_back([=] {
      for (int64_t i = begin; i < std::min(count, begin + each); ++i) {
        values[i] = scale * uniform_value(stream, static_cast<uint64_t>(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

struct Options {
  std::map<std::string, std::string> values;

  Options(int count, char** arguments) {
    for (int i = 1; i + 1 < count; i += 2) values[arguments[i]] = arguments[i + 1];
  }
  std::string operator[](const std::string& name) const {
    const auto found = values.find("--" + name);
    if (found == values.end()) throw std::runtime_error("the option --" + name + " is missing");
    return found->second;
  }
  // Returns an empty text if the option was not given.
  std::string optional(const std::string& name) const {
    return values.count("--" + name) == 0 ? "" : (*this)[name];
  }
  std::vector<std::string> list(const std::string& name, char separator) const {
    std::vector<std::string> parts;
    std::istringstream in((*this)[name]);
    for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
    return parts;
  }
};

// The maximum number of steps per epoch and of bytes of the data set.
constexpr int64_t max_copies = 256, max_bytes = int64_t{1} << 30;
constexpr uint64_t input_stream = 1000, target_stream = 1001;

// The initial weights of a network with these layers. They are computed once for both networks.
class Weights {
 public:
  Weights(const std::vector<int64_t>& layers, bool relu) {
    const float gain = relu ? 6.0f : 3.0f;
    for (size_t i = 0; i + 1 < layers.size(); ++i) {
      values_.emplace_back(static_cast<size_t>(layers[i] * layers[i + 1]));
      fill(values_[i].data(), layers[i] * layers[i + 1], i, std::sqrt(gain / static_cast<float>(layers[i])));
    }
  }

  const std::vector<float>& of_layer(size_t layer) const { return values_[layer]; }

 private:
  std::vector<std::vector<float>> values_;
};

std::vector<int64_t> layers_of(const Options& options) {
  std::vector<int64_t> layers;
  for (const std::string& size : options.list("layers", ',')) layers.push_back(std::stoll(size));
  return layers;
}

bool is_relu(const Options& options) { return options["activation"] == "relu"; }

class Network {
 public:
  // The caller must keep the weights alive while the network exists.
  Network(const Options& options, const Weights& initial)
      : batch_(std::stoll(options["batch"])),
        relu_(is_relu(options)),
        classes_(options["loss"] == "softmax_cross_entropy"),
        initial_(initial),
        layers_(layers_of(options)) {
    build();
    OptimizerSettings sgd(OptimizerKind::sgd);
    sgd.set("learning_rate", std::stod(options["learning-rate"]));
    model_ = std::make_shared<Model>(graph_, DType::float32, 1, backend(options));
    trainer_ = std::make_unique<Trainer>(model_, loss_, sgd);
    reset();
  }

  void reset() {
    for (size_t i = 0; i < weights_.size(); ++i) {
      const std::vector<float>& values = initial_.of_layer(i);
      model_->write_parameter(weights_[i], values.data(), static_cast<int64_t>(values.size()));
      const std::vector<float> zeros(static_cast<size_t>(layers_[i + 1]));
      model_->write_parameter(biases_[i], zeros.data(), static_cast<int64_t>(zeros.size()));
    }
  }

  void step(int64_t count) {
    for (int64_t i = 0; i < count; ++i) loss_value_ = trainer_->step(batch_);
  }

  void fit(int64_t count) {
    while (count > 0) count -= trainer_->fit(count, trainer_->progress().epoch + count, 1e12);
    loss_value_ = trainer_->progress().last_loss;
  }

  double loss() const { return loss_value_; }

 private:
  static Backend& backend(const Options& options) {
    const std::string device = options["device"], tuning = options.optional("tuning");
    if (device == "cpu") {
      if (!tuning.empty()) throw std::runtime_error("--tuning needs a CUDA device");
      return engine(0);
    }
    return engine(open_cuda({options["library"], options.list("folders", ':')}, 0,
                            std::stoi(options["precision"]), tuning));
  }

  int32_t op(Op kind, std::vector<int32_t> inputs) {
    Node node;
    node.op = kind;
    node.inputs = std::move(inputs);
    return graph_.add(std::move(node));
  }

  void build() {
    int32_t a = graph_.input("x", layers_[0]);
    for (size_t i = 0; i + 1 < layers_.size(); ++i) {
      weights_.push_back(graph_.parameter("", layers_[i + 1], layers_[i], Initializer::constant, 0));
      biases_.push_back(graph_.parameter("", layers_[i + 1], 1, Initializer::constant, 0));
      a = op(Op::linear, {a, weights_[i], biases_[i]});
      if (i + 2 < layers_.size()) a = op(relu_ ? Op::relu : Op::sigmoid, {a});
    }
    const int32_t y = classes_ ? graph_.label("y", layers_.back()) : graph_.target("y", layers_.back());
    loss_ = op(classes_ ? Op::softmax_cross_entropy : Op::mean_squared_error, {a, y});
  }

  void write_data(char* x, char* y) const {
    fill(reinterpret_cast<float*>(x), batch_ * layers_[0], input_stream, std::sqrt(3.0f));
    if (!classes_)
      return fill(reinterpret_cast<float*>(y), batch_ * layers_.back(), target_stream, std::sqrt(3.0f));
    for (int64_t i = 0; i < batch_; ++i) {
      const float u = (uniform_value(target_stream, static_cast<uint64_t>(i)) + 1) / 2;
      reinterpret_cast<int32_t*>(y)[i] = static_cast<int32_t>(u * static_cast<float>(layers_.back()));
    }
  }

 public:
  // Writes the batch for step().
  void write_batch() {
    write_data(trainer_->inputs().reserve(0, batch_), trainer_->inputs().reserve(1, batch_));
  }

  // Creates the data set for fit(), which contains one copy of the batch per step of an epoch.
  void create_dataset() {
    const int64_t outputs = classes_ ? 1 : layers_.back();
    const int64_t bytes = batch_ * (layers_[0] + outputs) * static_cast<int64_t>(sizeof(float));
    const int64_t copies = std::max<int64_t>(1, std::min(max_copies, max_bytes / bytes));
    dataset_ = std::make_unique<Dataset>(batch_ * copies);
    char* x = dataset_->add_column("x", ColumnType::float32, layers_[0]);
    char* y = dataset_->add_column("y", classes_ ? ColumnType::label : ColumnType::float32, outputs);
    write_data(x, y);
    const size_t x_bytes = static_cast<size_t>(batch_ * layers_[0]) * sizeof(float);
    const size_t y_bytes = static_cast<size_t>(batch_ * outputs) * sizeof(float);
    for (int64_t i = 1; i < copies; ++i) {
      std::memcpy(x + static_cast<size_t>(i) * x_bytes, x, x_bytes);
      std::memcpy(y + static_cast<size_t>(i) * y_bytes, y, y_bytes);
    }
    trainer_->bind(*dataset_, batch_);
    trainer_->shuffle(false, 1);
  }

 private:
  const int64_t batch_;
  const bool relu_, classes_;
  const Weights& initial_;
  const std::vector<int64_t> layers_;
  Graph graph_;
  int32_t loss_ = -1;
  std::vector<int32_t> weights_, biases_;
  double loss_value_ = 0;
  std::shared_ptr<Model> model_;
  std::unique_ptr<Dataset> dataset_;
  std::unique_ptr<Trainer> trainer_;
};

void answer(double seconds, double loss) {
  std::printf("{\"seconds\": %.9g, \"loss\": %.9g}\n", seconds, loss);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 1) {
    std::printf(
        "usage: benchmark --device cpu|cuda --layers N,N,... and the other options that compare.py gives\n");
    return 0;
  }
  try {
    const Options options(count, arguments);
    set_team_threads(std::stoi(options["threads"]));
    const Weights weights(layers_of(options), is_relu(options));
    Network stepping(options, weights), fitting(options, weights);
    stepping.write_batch();
    fitting.create_dataset();
    answer(0, 0);
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string command, argument;
      words >> command >> argument;
      Network& network = command == "fit" || argument == "fit" ? fitting : stepping;
      const auto begin = std::chrono::steady_clock::now();
      if (command == "step") {
        network.step(std::stoll(argument));
      } else if (command == "fit") {
        network.fit(std::stoll(argument));
      } else if (command == "reset") {
        network.reset();
      } else {
        throw std::runtime_error("unknown command '" + line + "'");
      }
      answer(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), network.loss());
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "benchmark: %s\n", error.what());
    return 1;
  }
}
