// Training: updates compared with the formulas in double, data sets, resuming from files, refused arguments, and
// allocations during a step.
#include "runtime/trainer.h"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <vector>

#include "backend/cpu/memory.h"
#include "files/model_file.h"
#include "graph_builder.h"
#include "harness.h"
#include "io/folder.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "optimizers.h"
#include "runtime/predictor.h"
#include "team_threads.h"
#include "tools/gradients.h"
#include "util/random.h"

using namespace test;

namespace {

std::atomic<int64_t> news{0};

}  // namespace

// Counts every C++ allocation of the process, so that tests can check that a step makes none.
void* operator new(size_t size) {
  news.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  news.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace {

struct Net {
  Graph graph;
  int32_t loss, logits;
};

// Returns a network with `in` inputs, a hidden layer with ReLU and `classes` logits with softmax cross-entropy.
Net classifier(int64_t in, int64_t hidden, int64_t classes) {
  Builder b;
  const int32_t x = b.input(in, "x");
  const int32_t logits = b.layer(b.op(Op::relu, {b.layer(x, hidden)}), classes);
  const int32_t loss = b.op(Op::softmax_cross_entropy, {logits, b.graph.label("label", classes)});
  return {std::move(b.graph), loss, logits};
}

void fill(Inputs& inputs, int64_t batch, int64_t in, int64_t classes, uint64_t seed) {
  float* x = reinterpret_cast<float*>(inputs.reserve(0, batch));
  for (int64_t i = 0; i < batch * in; ++i)
    x[i] = static_cast<float>(random_normal(seed, 0, static_cast<uint64_t>(i)));
  int32_t* label = reinterpret_cast<int32_t*>(inputs.reserve(1, batch));
  for (int64_t i = 0; i < batch; ++i) {
    label[i] =
        static_cast<int32_t>(random_below(seed, 1, static_cast<uint64_t>(i), static_cast<uint64_t>(classes)));
  }
}

void fill(Dataset& data, int64_t in, int64_t classes) {
  float* x = reinterpret_cast<float*>(data.add_column("x", ColumnType::float32, in));
  int32_t* label = reinterpret_cast<int32_t*>(data.add_column("label", ColumnType::label, 1));
  for (int64_t i = 0; i < data.examples(); ++i) {
    label[i] = static_cast<int32_t>(i % classes);
    for (int64_t j = 0; j < in; ++j) {
      x[i * in + j] = static_cast<float>(random_normal(3, 0, static_cast<uint64_t>(i * in + j)) +
                                         (j == label[i] ? 2 : 0));
    }
  }
}

std::vector<char> bits(const Model& model) {
  return {model.parameters(), model.parameters() + model.layout().parameter_bytes};
}

const std::vector<OptimizerSettings> optimizers = {
    at_rate(0.05, sgd()),
    at_rate(0.05, sgd(0, false, 0.1)),
    at_rate(0.05, sgd(0.9)),
    at_rate(0.05, sgd(0.9, true)),
    at_rate(0.05, sgd(0.9, true, 0.1)),
    at_rate(0.05, sgd(0.9, false, 0.1)),
    at_rate(0.05, adam()),
    at_rate(0.05, adam(0.1)),
    at_rate(0.05, adamw(0.1)),
    at_rate(0.01, rmsprop()),
    at_rate(0.01, rmsprop(0, true)),
    at_rate(0.01, rmsprop(0.9)),
    at_rate(0.01, rmsprop(0.9, true, 0.1)),
};

// The update of one number as the papers and PyTorch's documentation define it.
struct Reference {
  double w, m = 0, v = 0, b = 0;

  void step(double g, double rate, int t, const OptimizerSettings& o) {
    const double decay = o.get("weight_decay");
    if (o.kind() == OptimizerKind::adamw) {
      w -= rate * decay * w;
    } else {
      g += decay * w;
    }
    if (o.kind() == OptimizerKind::sgd) {
      const double momentum = o.get("momentum");
      m = momentum * m + g;
      w -= rate * (o.get("nesterov") != 0 ? g + momentum * m : m);
      return;
    }
    if (o.kind() == OptimizerKind::rmsprop) {
      const double alpha = o.get("alpha");
      v = alpha * v + (1 - alpha) * g * g;
      m = alpha * m + (1 - alpha) * g;
      const double root = std::sqrt(o.get("centered") != 0 ? v - m * m : v);
      b = o.get("momentum") * b + g / (root + o.get("epsilon"));
      w -= rate * b;
      return;
    }
    const double beta1 = o.get("beta1"), beta2 = o.get("beta2");
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    w -= rate * (m / (1 - std::pow(beta1, t))) / (std::sqrt(v / (1 - std::pow(beta2, t))) + o.get("epsilon"));
  }
};

}  // namespace

// f = w x + b on fixed data. The test computes the gradients and the optimizer state itself.
TEST(optimizers_follow_their_formulas) {
  const double x[4] = {0.5, -1, 2, 1.5}, y[4] = {1, 0.3, -2, 0.7};
  for (const OptimizerSettings& o : optimizers) {
    Builder b;
    const int32_t in = b.input(1, "x"), w = b.parameter(1, 1, "w"), bias = b.parameter(1, 1, "b");
    const int32_t loss = b.op(Op::squared_error, {b.product(Op::linear, {in, w, bias}), b.target(1, "y")});
    auto model = std::make_shared<Model>(b.graph, DType::float64, 1);
    const double start[2] = {0.7, -0.2};
    model->write_parameter(w, &start[0], 1);
    model->write_parameter(bias, &start[1], 1);
    Trainer trainer(model, loss, o);
    std::copy(x, x + 4, reinterpret_cast<double*>(trainer.inputs().reserve(0, 4)));
    std::copy(y, y + 4, reinterpret_cast<double*>(trainer.inputs().reserve(1, 4)));
    Reference slope{start[0]}, offset{start[1]};
    for (int t = 1; t <= 10; ++t) {
      const double rate = t < 6 ? 0.05 : 0.02;
      trainer.set_learning_rate(rate);
      trainer.step(4);
      double d_slope = 0, d_offset = 0;
      for (int i = 0; i < 4; ++i) {
        const double e = slope.w * x[i] + offset.w - y[i];
        d_slope += 2 * e * x[i] / 4;
        d_offset += 2 * e / 4;
      }
      slope.step(d_slope, rate, t, o);
      offset.step(d_offset, rate, t, o);
      double now[2];
      model->read_parameter(w, &now[0], 1);
      model->read_parameter(bias, &now[1], 1);
      CHECK_NEAR(now[0], slope.w, 1e-12);
      CHECK_NEAR(now[1], offset.w, 1e-12);
    }
  }
}

TEST(trainer_refuses_a_non_finite_loss_before_writing) {
  for (const OptimizerSettings& o : optimizers) {
    Net net = classifier(6, 8, 3);
    auto model = std::make_shared<Model>(net.graph, DType::float32, 1);
    Trainer trainer(model, net.loss, o);
    fill(trainer.inputs(), 5, 6, 3, 1);
    trainer.step(5);
    const std::vector<char> before = bits(*model);
    const int64_t steps = trainer.progress().steps;
    reinterpret_cast<float*>(trainer.inputs().reserve(0, 5))[7] = NAN;
    CHECK_THROWS(trainer.step(5), "no parameter was changed");
    CHECK(bits(*model) == before && trainer.progress().steps == steps);
    fill(trainer.inputs(), 5, 6, 3, 1);
    reinterpret_cast<int32_t*>(trainer.inputs().reserve(1, 5))[2] = 3;
    CHECK_THROWS(trainer.step(5), "expected labels from 0 to 2");
    CHECK(bits(*model) == before);
    fill(trainer.inputs(), 5, 6, 3, 1);
    CHECK(std::isfinite(trainer.step(5)));
  }
}

TEST(threads_in_any_number_give_the_same_bits) {
  const TeamThreads keep;
  for (const OptimizerSettings& o : {optimizers[0], optimizers[2], optimizers[6]}) {
    std::vector<char> expected;
    for (int32_t threads : {1, 2, 3, 8}) {
      set_team_threads(threads);
      Net net = classifier(300, 515, 10);
      auto model = std::make_shared<Model>(net.graph, DType::float32, 1);
      Trainer trainer(model, net.loss, o);
      fill(trainer.inputs(), 130, 300, 10, 2);
      for (int i = 0; i < 20; ++i) trainer.step(130);
      if (expected.empty()) expected = bits(*model);
      CHECK(bits(*model) == expected);
    }
  }
}

TEST(fit_in_slices_gives_the_same_bits) {
  Net net = classifier(4, 7, 3);
  Dataset data(50);
  fill(data, 4, 3);
  std::vector<char> expected;
  for (int64_t slice : {1000, 1, 3, 7}) {
    auto model = std::make_shared<Model>(net.graph, DType::float32, 5);
    Trainer trainer(model, net.loss, optimizers[6]);
    trainer.bind(data, 16);
    for (int64_t left = 30; left > 0;) left -= trainer.fit(std::min(left, slice), INT64_MAX, 1e9);
    CHECK(trainer.progress().steps == 30);
    CHECK(trainer.progress().epoch == 7 &&
          trainer.progress().position == 32);  // 50 = 16 + 16 + 16 + 2: four steps per epoch
    if (expected.empty()) expected = bits(*model);
    CHECK(bits(*model) == expected);
  }
}

// With f = w x, w = 0 and a learning rate of 0, the mean loss of an epoch is the mean over all examples in any order,
// including those of the smaller last batch.
TEST(fit_uses_every_example_once_per_epoch) {
  Builder b;
  const int32_t f = b.product(Op::linear, {b.input(1, "x"), b.parameter(1, 1, "w")});
  const int32_t loss = b.op(Op::squared_error, {f, b.target(1, "y")});
  auto model = std::make_shared<Model>(b.graph, DType::float64, 1);
  const double zero = 0;
  model->write_parameter(model->graph().find("w"), &zero, 1);
  Trainer trainer(model, loss, at_rate(0, sgd()));
  Dataset data(37);
  double* x = reinterpret_cast<double*>(data.add_column("x", ColumnType::float64, 1));
  float* y = reinterpret_cast<float*>(
      data.add_column("y", ColumnType::float32, 1));  // converted when a batch is gathered
  double expected = 0;
  for (int i = 0; i < 37; ++i) {
    x[i] = 1;
    y[i] = static_cast<float>(i);
    expected += static_cast<double>(i * i) / 37;
  }
  trainer.bind(data, 8);
  for (int epoch = 1; epoch <= 3; ++epoch) {
    trainer.fit(INT64_MAX, epoch, 1e9);
    CHECK_NEAR(trainer.progress().epoch_loss, expected, 1e-9);
  }
}

TEST(resuming_in_the_middle_of_an_epoch_gives_the_same_bits) {
  const Folder folder;
  const std::string file = folder / "trainer.safetensors";
  Net net = classifier(4, 7, 3);
  Dataset data(50);
  fill(data, 4, 3);
  for (const OptimizerSettings& o : optimizers) {
    auto model = std::make_shared<Model>(net.graph, DType::float32, 5);
    Trainer trainer(model, net.loss, o);
    trainer.bind(data, 16);
    trainer.fit(10, INT64_MAX, 1e9);
    save_trainer(trainer, file);
    trainer.fit(25, INT64_MAX, 1e9);

    std::shared_ptr<Model> loaded = load_model(file);
    std::unique_ptr<Trainer> resumed = load_trainer(loaded, file);
    CHECK(resumed->progress().position == 32 && resumed->progress().steps == 10);
    resumed->bind(data, 16);
    resumed->fit(25, INT64_MAX, 1e9);
    CHECK(bits(*loaded) == bits(*model));
    CHECK(resumed->running_loss() == trainer.running_loss());
    const Dataset other(40);
    CHECK_THROWS(resumed->bind(other, 16), "the running epoch needs a dataset of 50 examples, but got 40");
  }
}

// Copies a trainer's file. `change` maps the trainer's JSON object to the text that the copy has in its place.
void rewrite(const std::string& from, const std::string& to,
             const std::function<std::string(const Json& trainer)>& change) {
  const SafetensorsFile file(from);
  std::vector<std::vector<char>> data;
  std::vector<TensorToWrite> tensors;
  for (const SafetensorsFile::Tensor& tensor : file.tensors()) {
    data.emplace_back(static_cast<size_t>(tensor.bytes));
    file.read(tensor, data.back().data());
    tensors.push_back({tensor.name, tensor.type, tensor.shape, data.back().data()});
  }
  write_safetensors(to, tensors,
                    {{"chainrule.graph", *file.metadata("chainrule.graph")},
                     {"chainrule.trainer", change(parse(*file.metadata("chainrule.trainer")))}});
}

// Returns the text of the trainer's object with `members` in place of `settings`.
std::string with_members(const Json& trainer, const std::vector<std::pair<std::string, Json>>& members) {
  Json changed = Json::make_object();
  for (const Json& member : trainer.object()) {
    if (member.key() != "settings") changed.add(member.key(), member);
  }
  for (const auto& [key, value] : members) changed.set(key, value);
  return dump(changed);
}

// Older files have no object `settings` with the settings of one optimizer. They have the settings of all optimizers as
// members next to the optimizer's name.
TEST(trainer_files_of_older_versions_load) {
  const Folder folder;
  const std::string file = folder / "now.safetensors", old = folder / "old.safetensors";
  Net net = classifier(4, 7, 3);
  Dataset data(50);
  fill(data, 4, 3);
  for (const OptimizerSettings& o : optimizers) {
    if (o.kind() > OptimizerKind::adamw) continue;  // older versions did not have these optimizers
    auto model = std::make_shared<Model>(net.graph, DType::float32, 5);
    Trainer trainer(model, net.loss, o);
    trainer.bind(data, 16);
    trainer.fit(10, INT64_MAX, 1e9);
    save_trainer(trainer, file);
    const auto value_or = [&](const char* setting, double otherwise) {
      for (const Setting& one : settings_of(o.kind())) {
        if (one.name == std::string(setting)) return o.get(setting);
      }
      return otherwise;
    };
    rewrite(file, old, [&](const Json& now) {
      return with_members(now, {{"learning_rate", value_or("learning_rate", 0)},
                                {"momentum", value_or("momentum", 0)},
                                {"nesterov", value_or("nesterov", 0) != 0},
                                {"weight_decay", value_or("weight_decay", 0)},
                                {"beta1", value_or("beta1", 0)},
                                {"beta2", value_or("beta2", 0)},
                                {"epsilon", value_or("epsilon", 0)}});
    });
    std::shared_ptr<Model> models[] = {load_model(file), load_model(old)};
    for (size_t i = 0; i < 2; ++i) {
      std::unique_ptr<Trainer> resumed = load_trainer(models[i], i == 0 ? file : old);
      for (const Setting& setting : settings_of(o.kind()))
        CHECK(resumed->optimizer().get(setting.name) == o.get(setting.name));
      resumed->bind(data, 16);
      resumed->fit(10, INT64_MAX, 1e9);
    }
    CHECK(bits(*models[0]) == bits(*models[1]));
  }
}

TEST(loading_a_trainer_checks_the_settings_of_its_optimizer) {
  const Folder folder;
  const std::string file = folder / "trainer.safetensors", other = folder / "other.safetensors";
  Net net = classifier(4, 7, 3);
  auto model = std::make_shared<Model>(net.graph, DType::float32, 5);
  save_trainer(Trainer(model, net.loss, at_rate(0.05, adam())), file);
  const auto settings = [](const char* name, const Json& value) {
    Json all = Json::make_object();
    all.add("learning_rate", 0.05).add(name, value);
    return all;
  };
  const auto refused = [&](const std::vector<std::pair<std::string, Json>>& members, const char* sentence) {
    rewrite(file, other, [&](const Json& now) { return with_members(now, members); });
    CHECK_THROWS(load_trainer(model, other), sentence);
  };
  refused({{"optimizer", "lion"}, {"settings", settings("beta1", 0.9)}},
          "optimizer: expected one of sgd, adam, adamw");
  refused({{"settings", settings("momentum", 0.9)}}, "but got 'momentum'");
  refused({{"settings", settings("beta2", 1.5)}}, "beta2 must be at least 0 and less than 1, but got 1.5");
  refused({{"settings", settings("epsilon", 1e-46)}}, "which is 0 in a model of floats");
  refused({{"settings", settings("beta1", "much")}}, "beta1");
  refused({}, "learning_rate");
  rewrite(file, other, [&](const Json& now) {
    return with_members(now, {{"settings", settings("beta1", 0.8)}});
  });
  const std::unique_ptr<Trainer> trainer = load_trainer(model, other);
  CHECK(trainer->optimizer().get("beta1") == 0.8 && trainer->optimizer().get("beta2") == 0.999);
}

TEST(loading_a_trainer_refuses_files_without_one_or_of_another_graph) {
  const Folder folder;
  const std::string file = folder / "model.safetensors";
  Net net = classifier(4, 7, 3);
  auto model = std::make_shared<Model>(net.graph, DType::float32, 5);
  save_model(*model, file);
  CHECK(bits(*load_model(file)) == bits(*model));
  CHECK_THROWS(load_trainer(model, file), "it holds no training");
  CHECK_THROWS(load_model(folder / "none.safetensors"), "none.safetensors");
  Net other = classifier(4, 8, 3);
  auto unlike = std::make_shared<Model>(other.graph, DType::float32, 5);
  Trainer trainer(unlike, other.loss, optimizers[0]);
  save_trainer(trainer, file);
  CHECK_THROWS(load_trainer(model, file), "belongs to another graph");
}

TEST(steps_allocate_nothing) {
  Net net = classifier(20, 30, 4);
  auto model = std::make_shared<Model>(net.graph, DType::float32, 5);
  Dataset data(50);
  fill(data, 20, 4);
  for (const OptimizerSettings& o : optimizers) {
    Trainer trainer(model, net.loss, o);
    Predictor predictor(model, {net.logits});
    const std::unique_ptr<Workspace> workspace = predictor.workspace();
    workspace->reserve_output(0, 16);
    fill(workspace->inputs(), 16, 20, 4, 1);
    trainer.bind(data, 16);
    int64_t news_before = 0, blocks_before = 0;
    for (int round = 0; round < 2; ++round) {  // only the second round must allocate nothing
      news_before = news.load();
      blocks_before = counted_allocations();
      for (int i = 0; i < 200; ++i) {
        trainer.fit(1, INT64_MAX, 1e9);
        predictor.predict(*workspace, 16);
      }
    }
    CHECK(news.load() == news_before);
    CHECK(counted_allocations() == blocks_before);
  }
}

TEST(closing_releases_all_memory) {
  Net net = classifier(20, 30, 4);
  const int64_t before = counted_bytes();
  for (int i = 0; i < 100; ++i) {
    auto model = std::make_shared<Model>(net.graph, DType::float32, 5);
    Dataset data(50);
    fill(data, 20, 4);
    Trainer trainer(model, net.loss, optimizers[6]);
    trainer.bind(data, 16);
    trainer.fit(5, INT64_MAX, 1e9);
    fill(trainer.inputs(), 8, 20, 4, 1);
    Gradients gradients(model, net.loss);
    fill(gradients.inputs(), 8, 20, 4, 1);
    gradients.compute(8);
    CHECK(counted_bytes() > before);
  }
  CHECK(counted_bytes() == before);
}
