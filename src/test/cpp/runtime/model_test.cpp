// Models, data sets and trainers where trainer_test.cpp does not test them: initial values, snapshots, gradients,
// shuffling, labels, refused settings, and memory after many models.
#include "runtime/model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <set>

#include "backend/cpu/memory.h"
#include "graph_builder.h"
#include "harness.h"
#include "optimizers.h"
#include "runtime/predictor.h"
#include "runtime/trainer.h"
#include "tools/gradients.h"

using namespace test;

namespace {

std::vector<float> read(const Model& model, int32_t id) {
  std::vector<float> values(static_cast<size_t>(model.graph().node(id).shape.elements()));
  model.read_parameter(id, values.data(), static_cast<int64_t>(values.size()));
  return values;
}

}  // namespace

// All have the variance of their definition. Uniform values are within their bound, and some are near it.
TEST(parameters_begin_with_the_distribution_of_their_initializer) {
  const int64_t rows = 300, columns = 200;
  const double glorot = 2.0 / (rows + columns), he = 2.0 / columns;
  struct Expected {
    Initializer initializer;
    double variance;
    bool uniform;
  };
  for (const Expected& e : {Expected{Initializer::glorot_uniform, glorot, true},
                            {Initializer::glorot_normal, glorot, false},
                            {Initializer::he_uniform, he, true},
                            {Initializer::he_normal, he, false}}) {
    Graph graph;
    const int32_t w = graph.parameter("w", rows, columns, e.initializer, 0);
    const std::vector<float> values = read(Model(graph, DType::float32, 7), w);
    double sum = 0, squares = 0, largest = 0;
    for (float v : values) {
      sum += static_cast<double>(v);
      squares += static_cast<double>(v) * static_cast<double>(v);
      largest = std::max(largest, std::abs(static_cast<double>(v)));
    }
    const double n = static_cast<double>(values.size()), deviation = std::sqrt(e.variance);
    CHECK_NEAR(sum / n, 0, 5 * deviation / std::sqrt(n));  // five standard errors
    CHECK_NEAR(squares / n / e.variance, 1, 5 * std::sqrt(2 / n));
    CHECK(largest > 1.7 * deviation);
    if (e.uniform) CHECK(largest <= std::sqrt(3.0) * deviation * (1 + 1e-6));
    CHECK(read(Model(graph, DType::float32, 7), w) == values);
    CHECK(read(Model(graph, DType::float32, 8), w) != values);
  }
  Graph graph;
  const int32_t c = graph.parameter("c", 3, 1, Initializer::constant, 0.25);
  CHECK(read(Model(graph, DType::float32, 7), c) == std::vector<float>(3, 0.25f));
}

TEST(parameters_are_read_and_written_whole) {
  Builder b;
  const int32_t x = b.input(2, "x"), w = b.parameter(2, 3, "w");
  Model model(b.graph, DType::float64, 1);
  const float values[6] = {1, 2, 3, 4, 5, 6}, broken[6] = {1, 2, NAN, 4, 5, 6};
  model.write_parameter(w, values, 6);
  CHECK(read(model, w) == std::vector<float>(values, values + 6));
  CHECK_THROWS(model.write_parameter(w, broken, 6), "values must be finite, but number 2");
  CHECK_THROWS(model.write_parameter(w, values, 5), "expected 6 values for 'w'");
  CHECK_THROWS(model.write_parameter<float>(w, nullptr, 6), "but got null");
  CHECK_THROWS(model.write_parameter(x, values, 2), "expected a parameter, but got 'x'");
  CHECK(read(model, w) == std::vector<float>(values, values + 6));
}

TEST(snapshots_do_not_change_when_the_model_trains) {
  Builder b;
  const int32_t w = b.parameter(2, 3, "w");
  const int32_t loss =
      b.op(Op::squared_error, {b.product(Op::linear, {b.input(3, "x"), w}), b.target(2, "y")});
  auto model = std::make_shared<Model>(b.graph, DType::float32, 1);
  Trainer trainer(model, loss, at_rate(0.1, sgd()));
  std::fill_n(reinterpret_cast<float*>(trainer.inputs().reserve(0, 4)), 12, 1.0f);
  std::fill_n(reinterpret_cast<float*>(trainer.inputs().reserve(1, 4)), 8, 3.0f);
  trainer.step(4);
  const std::shared_ptr<Model> snapshot = model->snapshot();
  const std::vector<float> before = read(*model, w);
  trainer.step(4);
  CHECK(read(*model, w) != before);
  CHECK(read(*snapshot, w) == before);
  CHECK(snapshot->seed() == 1 && snapshot->dtype() == DType::float32 &&
        snapshot->graph().size() == model->graph().size());
}

TEST(targets_out_of_range_are_refused) {
  Builder b;
  const int32_t x = b.input(2, "x"), y = b.target(2, "y");
  const int32_t z = b.product(Op::linear, {x, b.parameter(2, 2, "w")});
  const int32_t binary = b.op(Op::binary_cross_entropy, {z, y}), any = b.op(Op::squared_error, {z, y}),
                distribution = b.op(Op::softmax_cross_entropy, {z, y});
  for (DType dtype : {DType::float32, DType::float64}) {
    auto model = std::make_shared<Model>(b.graph, dtype, 1);
    Trainer trainers[] = {{model, binary, sgd(0.1)}, {model, distribution, sgd(0.1)}, {model, any, sgd(0.1)}};
    const double values[] = {0.5, 1.5, -0.5};
    for (int32_t loss = 0; loss < 3; ++loss) {
      for (int32_t value = 0; value < 3; ++value) {
        Inputs& inputs = trainers[loss].inputs();
        for (int32_t slot : {0, 1}) {
          with_type(dtype, inputs.reserve(slot, 20), [](auto* v) { std::fill_n(v, 40, 0.25f); });
        }
        with_type(dtype, inputs.reserve(1, 20), [&](auto* v) { v[37] = static_cast<float>(values[value]); });
        const bool refused = (loss == 0 && value > 0) || (loss == 1 && value == 2);
        if (refused) {
          CHECK_THROWS(trainers[loss].step(20), "sample 18, feature 1 has ");
        } else {
          trainers[loss].step(20);
        }
      }
    }
  }
}

// L = (w x - y)² has dL/dw = 2 (w x - y) x and dL/dx = 2 (w x - y) w.
TEST(gradients_are_read_without_a_step) {
  Builder b;
  const int32_t x = b.input(1, "x"), w = b.parameter(1, 1, "w"), unused = b.parameter(2, 1, "unused");
  const int32_t y = b.target(1, "y");
  const int32_t loss = b.op(Op::squared_error, {b.product(Op::linear, {x, w}), y});
  auto model = std::make_shared<Model>(b.graph, DType::float64, 1);
  const double three = 3;
  model->write_parameter(w, &three, 1);
  Gradients gradients(model, loss);
  double g[2];
  CHECK_THROWS(gradients.read(w, g, 1), "have not been computed");
  double* inputs = reinterpret_cast<double*>(gradients.inputs().reserve(0, 2));
  double* targets = reinterpret_cast<double*>(gradients.inputs().reserve(1, 2));
  inputs[0] = 1, inputs[1] = -2, targets[0] = 1, targets[1] = 0;
  const double expected_loss = (2.0 * 2 + 6 * 6) / 2;
  CHECK_NEAR(gradients.compute(2), expected_loss, 1e-14);
  gradients.read(w, g, 1);
  CHECK_NEAR(g[0], (2 * 2 * 1 + 2 * -6.0 * -2) / 2, 1e-14);
  gradients.read(x, g, 2);
  CHECK_NEAR(g[0], 2 * 2 * 3.0 / 2, 1e-14);
  CHECK_NEAR(g[1], 2 * -6 * 3.0 / 2, 1e-14);
  gradients.read(unused, g, 2);
  CHECK(g[0] == 0 && g[1] == 0);
  CHECK_THROWS(gradients.read(w, g, 2), "expected 1 values");
  CHECK_THROWS(gradients.read(y, g, 2), "expected a parameter or an input");
  model->read_parameter(w, g, 1);
  CHECK(g[0] == 3);
}

// With batches of one, f = w x and x = 0, a step does not change w, and its loss y² identifies the example.
TEST(shuffling_uses_every_example_once_per_epoch) {
  Builder b;
  const int32_t f = b.product(Op::linear, {b.input(1, "x"), b.parameter(1, 1, "w")});
  const int32_t loss = b.op(Op::squared_error, {f, b.target(1, "y")});
  Dataset data(23);
  float* x = reinterpret_cast<float*>(data.add_column("x", ColumnType::float32, 1));
  float* y = reinterpret_cast<float*>(data.add_column("y", ColumnType::float32, 1));
  for (int i = 0; i < 23; ++i) x[i] = 0, y[i] = static_cast<float>(i);
  const auto orders = [&](bool shuffled, int64_t seed) {
    auto model = std::make_shared<Model>(b.graph, DType::float32, 1);
    Trainer trainer(model, loss, at_rate(0.1, sgd()));
    trainer.bind(data, 1);
    trainer.shuffle(shuffled, seed);
    std::vector<std::vector<int>> epochs(3);
    for (size_t e = 0; e < 3; ++e) {
      for (int i = 0; i < 23; ++i) {
        CHECK(trainer.fit(1, INT64_MAX, 1e9) == 1);
        epochs[e].push_back(static_cast<int>(std::lround(std::sqrt(trainer.progress().last_loss))));
        if (i == 3) CHECK_THROWS(trainer.shuffle(true, 1), "an epoch is running (4 of 23 examples)");
      }
      CHECK(std::set<int>(epochs[e].begin(), epochs[e].end()).size() == 23);
      CHECK(trainer.progress().epoch == static_cast<int64_t>(e) + 1 && trainer.progress().position == 0);
    }
    return epochs;
  };
  const auto first = orders(true, 5), again = orders(true, 5), other = orders(true, 6),
             plain = orders(false, 5);
  CHECK(first == again && first != other);
  CHECK(first[0] != first[1] && first[1] != first[2]);
  for (const std::vector<int>& epoch : plain) CHECK(std::is_sorted(epoch.begin(), epoch.end()));
}

TEST(data_sets_are_checked_before_training) {
  Builder b;
  const int32_t logits = b.layer(b.input(2, "x"), 3);
  const int32_t loss = b.op(Op::softmax_cross_entropy, {logits, b.graph.label("label", 3)});
  auto model = std::make_shared<Model>(b.graph, DType::float32, 1);
  Trainer trainer(model, loss, at_rate(0.1, sgd()));
  CHECK_THROWS(trainer.fit(1, 1, 1e9), "no dataset is bound");
  CHECK_THROWS(Dataset(0), "at least one example");
  Dataset data(4);
  CHECK_THROWS(trainer.bind(data, 2), "no column 'x'");
  data.add_column("x", ColumnType::float32, 2);
  CHECK_THROWS(data.add_column("x", ColumnType::float32, 2), "already has a column 'x'");
  CHECK_THROWS(data.add_column("huge", ColumnType::float32, INT64_MAX), "do not fit into memory");
  CHECK_THROWS(data.add_column("two", ColumnType::label, 2), "one class index per example");
  int32_t* labels = reinterpret_cast<int32_t*>(data.add_column("label", ColumnType::label, 1));
  CHECK_THROWS(trainer.bind(data, 0), "a batch size of at least 1");
  for (int32_t wrong : {3, -1}) {
    labels[3] = wrong;
    CHECK_THROWS(trainer.bind(data, 2), "expected labels from 0 to 2");
    CHECK_THROWS(trainer.fit(1, 1, 1e9), "no dataset is bound");
  }
  labels[3] = 2;
  trainer.bind(data, 100);  // a batch size above the number of examples means all examples
  CHECK(trainer.fit(10, 3, 1e9) == 3);
  labels[2] = 9;  // changed after the data set was bound and checked
  const std::vector<float> before = read(*model, b.graph.parameters()[0]);
  CHECK_THROWS(trainer.fit(1, 10, 1e9), "expected labels from 0 to 2");
  CHECK(read(*model, b.graph.parameters()[0]) == before);
}

TEST(trainers_refuse_settings_out_of_range) {
  Builder b;
  const int32_t w = b.parameter(1);
  const int32_t loss = b.op(Op::squared_norm, {w});
  auto model = std::make_shared<Model>(b.graph, DType::float32, 1);
  const auto refused = [&](OptimizerKind kind, const char* setting, double value, const char* sentence) {
    CHECK_THROWS(Trainer(model, loss, OptimizerSettings(kind).set(setting, value)), sentence);
  };
  const OptimizerKind sgd_rule = OptimizerKind::sgd, adam_rule = OptimizerKind::adam;
  refused(sgd_rule, "learning_rate", -1,
          "optimizer sgd: learning_rate must be 0 or more and finite, but got -1");
  refused(sgd_rule, "learning_rate", NAN, "but got nan");
  refused(sgd_rule, "weight_decay", -1, "weight_decay must be 0 or more and finite, but got -1");
  refused(sgd_rule, "momentum", 1, "momentum must be at least 0 and less than 1, but got 1");
  refused(sgd_rule, "nesterov", 0.5, "nesterov must be 0 or 1, but got 0.5");
  refused(sgd_rule, "nesterov", 1, "optimizer sgd: nesterov needs a momentum above 0");
  refused(adam_rule, "beta1", 1, "optimizer adam: beta1 must be at least 0 and less than 1, but got 1");
  refused(OptimizerKind::adamw, "beta2", -1, "optimizer adamw: beta2 must be at least 0 and less than 1");
  refused(adam_rule, "epsilon", 0, "epsilon must be above 0 and finite, but got 0");
  CHECK_THROWS(OptimizerSettings(adam_rule).set("momentum", 0.9),
               "optimizer adam: expected one of the settings learning_rate, beta1, beta2, epsilon, "
               "weight_decay, but got 'momentum'");
  CHECK_THROWS(OptimizerSettings("adams"), "optimizer: expected one of sgd, adam, adamw");
  CHECK_THROWS(OptimizerSettings("adams"), "but got 'adams'");
  CHECK_THROWS(Trainer(model, 9, at_rate(0.1, sgd())), "there is no node number 9");
  Trainer trainer(model, loss, at_rate(0.1, sgd()));  // the loss needs no data, so any batch size will do
  CHECK_THROWS(trainer.set_learning_rate(INFINITY),
               "learning_rate must be 0 or more and finite, but got inf");
  CHECK_THROWS(trainer.step(0), "at least one sample");
  const double first = trainer.step(1);
  CHECK_NEAR(trainer.step(3), first * 0.64, 1e-6);  // w becomes 0.8 w
}

// Settings that are in range as a double, but not after rounding to the model's floats.
TEST(trainers_of_floats_refuse_settings_that_float_cannot_hold) {
  Builder b;
  const int32_t loss = b.op(Op::squared_norm, {b.parameter(1)});
  auto floats = std::make_shared<Model>(b.graph, DType::float32, 1);
  auto doubles = std::make_shared<Model>(b.graph, DType::float64, 1);
  const auto only_doubles = [&](const OptimizerSettings& o, const char* sentence) {
    CHECK_THROWS(Trainer(floats, loss, o), sentence);
    Trainer trainer(doubles, loss, o);
  };
  only_doubles(adam().set("epsilon", 1e-46),
               "epsilon must be above 0 and finite, but got 1e-46, which is 0 in a model of floats");
  only_doubles(adam().set("beta2", 1 - 1e-12), "which is 1 in a model of floats");
  only_doubles(at_rate(1e300, sgd()), "but got 1e+300, which is inf in a model of floats");
  only_doubles(at_rate(1e-300, sgd()), "learning_rate is 1e-300, which is 0 in a model of floats");
  Trainer trainer(floats, loss, at_rate(0.1, sgd()));
  CHECK_THROWS(trainer.set_learning_rate(1e300), "which is inf in a model of floats");
  Trainer still(floats, loss, at_rate(0, sgd()));
  const double first = still.step(1);
  CHECK(still.step(1) == first);
}

TEST(a_thousand_models_with_their_trainers_release_all_memory) {
  Builder b;
  const int32_t x = b.input(3, "x");
  const int32_t f = b.op(Op::sigmoid, {b.layer(x, 2)});
  const int32_t loss = b.op(Op::huber, {f, b.target(2, "y")}, 1);
  const int64_t before = counted_bytes();
  int64_t held = 0;
  for (int i = 0; i < 1000; ++i) {
    auto model = std::make_shared<Model>(b.graph, i % 2 == 0 ? DType::float32 : DType::float64, i);
    Trainer trainer(model, loss, at_rate(0.1, static_cast<OptimizerKind>(i % optimizer_count)));
    Predictor predictor(model, {f});
    const std::unique_ptr<Workspace> workspace = predictor.workspace();
    workspace->reserve_output(0, 2);
    workspace->inputs().reserve(0, 2);
    predictor.predict(*workspace, 2);
    for (int32_t slot : {0, 1}) trainer.inputs().reserve(slot, 2);
    trainer.step(2);
    Gradients gradients(model, loss);
    for (int32_t slot : {0, 1}) {
      std::memset(gradients.inputs().reserve(slot, 2), 0,
                  static_cast<size_t>(2 * gradients.inputs().sample_bytes(slot)));
    }
    gradients.compute(2);
    gradients.statistics(2);
    model->snapshot();
    Dataset data(5);
    data.add_column("x", ColumnType::float32, 3);
    data.add_column("y", ColumnType::float64, 2);
    trainer.bind(data, 2);
    trainer.fit(4, INT64_MAX, 1e9);
    held = counted_bytes();
    CHECK(held > before);
  }
  CHECK(counted_bytes() == before);
}
