// The losses. A loss is the mean over the batch, so its value is measured with a batch of one sample, and its
// derivatives with a batch of a power of two and a δ that cancels the factor of the mean.
#include "accuracy/compare.h"
#include "accuracy/engine.h"
#include "accuracy/exact_losses.h"
#include "accuracy/sweep.h"
#include "accuracy/vectors.h"

namespace test {

namespace {

template <class T>
struct Pairs {
  std::vector<T> predictions, targets;
};

// Pairs of predictions and targets that the loss accepts: targets at and beside 0, 1 and the prediction.
template <class T>
Pairs<T> pairs(Op op, bool full) {
  using Limits = std::numeric_limits<T>;
  const Targets allowed = visit_loss(op, Targets::any, [](auto rule) { return decltype(rule)::targets; });
  std::vector<T> predictions = points<T>(full ? 20000 : 200, full ? 5 : 0, 9);
  Random random(8);
  if (!full) {  // some of the exponents
    for (int i = 0; i < 200; ++i) {
      const int exponent =
          static_cast<int>(random.uniform(Limits::min_exponent - Limits::digits, Limits::max_exponent));
      predictions.push_back(static_cast<T>(std::ldexp(random.uniform(1, 2), exponent)));
    }
  }
  Pairs<T> all;
  const auto add = [&](T f, T y) {
    all.predictions.push_back(f);
    all.targets.push_back(y);
  };
  for (T f : predictions) {
    if (op == Op::negative_log_likelihood && f < 0) f = -f;
    const T one_less = 1 - Limits::epsilon() / 2;
    for (T y : {T(0), T(1), one_less, Limits::epsilon(), Limits::denorm_min(), T(0.5), T(0.1)}) add(f, y);
    add(f, static_cast<T>(random.uniform(0, 1)));
    if (allowed == Targets::any) {
      for (double factor : {1.0, -1.0, 0.9, 1.1}) add(f, static_cast<T>(static_cast<double>(f) * factor));
      add(f, std::nextafter(f, T(0)));
      add(f, f + static_cast<T>(random.uniform(-2, 2)));
    }
  }
  for (size_t i = 0; i < all.targets.size(); ++i) {  // y is finite
    if (!std::isfinite(all.targets[i])) all.targets[i] = 1;
  }
  return all;
}

template <class T>
void elementwise(Effort effort, Op op, double constant, Results& results) {
  using R = Wide<T>;
  Measured& measured = results[name_of(op)];
  Worst &forward = measured.forward[type_index<T>], &backward = measured.backward[type_index<T>];
  Pairs<T> on = pairs<T>(op, effort == Effort::full);
  int64_t batch = 1;
  while (batch < static_cast<int64_t>(on.targets.size())) batch *= 2;
  on.predictions.resize(at(batch), T(0.5));
  on.targets.resize(at(batch), T(0.5));
  const R c = static_cast<T>(constant);
  std::vector<ExactLoss<R>> exact;
  for (size_t i = 0; i < at(batch); ++i)
    exact.push_back(exact_loss<R>(op, on.predictions[i], on.targets[i], c));
  for (const Engine& engine : engines()) {
    const auto where = [&](const char* what, size_t i, T delta) {
      return message(what, "f = ", digits_of(on.predictions[i]), ", y = ", digits_of(on.targets[i]),
                     delta == 1 ? "" : message(", δ = ", delta), ", ", engine.name);
    };
    Applied<T> one(engine, op, constant, {1, 1}, 1, false), all(engine, op, constant, {1, 1}, batch);
    for (size_t i = 0; i < at(batch); i += effort == Effort::full ? 1 : 11) {
      one.run({{on.predictions[i]}, {on.targets[i]}});
      forward.add(error_in_ulps(one.value()[0], exact[i].value.value), [&] { return where("", i, T(1)); });
    }
    for (T delta : deltas<T>()) {
      all.run({on.predictions, on.targets}, {delta * static_cast<T>(batch)});
      for (size_t i = 0; i < at(batch); ++i) {
        const auto check = [&](const char* what, T got, const Expected<R>& e) {
          if (delta != 1 && out_of_range<T>(e.value)) return;
          // A target so small that its product with δ, or with 1 / batch, underflows.
          const R target = std::abs(static_cast<R>(on.targets[i]));
          const R weighted = target * std::min(std::abs(static_cast<R>(delta)), 1 / static_cast<R>(batch));
          if (op == Op::negative_log_likelihood && target != 0 &&
              weighted < static_cast<R>(std::numeric_limits<T>::min()))
            return;
          const R least = static_cast<R>(std::numeric_limits<T>::min());
          backward.add(error_in_ulps<T>(got, e.value * delta, std::max(e.term, least) * std::abs(delta),
                                        std::abs(static_cast<R>(delta))),
                       [&] { return where(what, i, delta); });
        };
        if (std::isnan(on.predictions[i])) continue;
        check("d_f, ", all.derivative(0)[i], exact[i].d_prediction);
        check("d_y, ", all.derivative(1)[i], exact[i].d_target);
      }
    }
  }
}

// Targets for logits z: one-hot at the largest, at the smallest and at the first logit, uniform, random, and beside
// one-hot.
template <class T>
std::vector<Vector<T>> targets_of(const std::vector<T>& z) {
  const size_t n = z.size();
  const size_t largest = static_cast<size_t>(std::max_element(z.begin(), z.end()) - z.begin());
  const size_t smallest = static_cast<size_t>(std::min_element(z.begin(), z.end()) - z.begin());
  std::vector<Vector<T>> all;
  const auto one_hot = [&](const std::string& name, size_t i) {
    all.push_back({name, std::vector<T>(n, T(0))});
    all.back().values[i] = 1;
  };
  one_hot("y = 1 at the largest", largest);
  one_hot("y = 1 at the smallest", smallest);
  all.push_back({"y = 1/n", std::vector<T>(n, 1 / static_cast<T>(n))});
  Random random(2);
  all.push_back({"random y", {}});
  for (size_t i = 0; i < n; ++i) {
    all.back().values.push_back(static_cast<T>(random.uniform(0, 2 / static_cast<double>(n))));
  }
  one_hot("y beside 1 at the largest", largest);
  all.back().values[largest] = 1 - std::numeric_limits<T>::epsilon() / 2;
  all.back().values[smallest] = std::numeric_limits<T>::epsilon() / 2;
  return all;
}

template <class T>
void cross_entropy(Effort effort, Results& results) {
  using R = Wide<T>;
  Measured& measured = results["softmax_cross_entropy"];
  Worst &forward = measured.forward[type_index<T>], &backward = measured.backward[type_index<T>];
  for (const Vector<T>& v : vectors_of_all_sizes<T>(effort == Effort::full, 6)) {
    const int64_t n = static_cast<int64_t>(v.values.size());
    for (const Vector<T>& y : targets_of(v.values)) {
      const ExactCrossEntropy<R> exact = exact_cross_entropy<T>(v.values, y.values);
      for (const Engine& engine : engines()) {
        const std::string where = v.name + ", " + y.name + ", " + engine.name;
        Applied<T> applied(engine, Op::softmax_cross_entropy, 0, {n, n}, 1);
        applied.run({v.values, y.values}, {T(1)});
        compare<T>(applied.value().data(), std::vector<Expected<R>>{exact.value}, R(1), forward, where);
        compare<T>(applied.derivative(0).data(), exact.d_logits, R(1), backward, "d_logits, " + where);
        compare<T>(applied.derivative(1).data(), exact.d_target, R(1), backward, "d_target, " + where);
      }
    }
  }
}

}  // namespace

void sweep_losses(Effort effort, Results& results) {
  for (int32_t i = 0; i < op_count; ++i) {
    const Op op = static_cast<Op>(i);
    if (kind_of(op) != Kind::loss || op == Op::softmax_cross_entropy) continue;
    for (double constant : op == Op::huber ? std::vector<double>{1, 0.01, 1e4} : std::vector<double>{0}) {
      elementwise<float>(effort, op, constant, results);
      elementwise<double>(effort, op, constant, results);
    }
  }
}

void sweep_cross_entropy(Effort effort, Results& results) {
  cross_entropy<float>(effort, results);
  cross_entropy<double>(effort, results);
}

}  // namespace test
