// All 2³² floats, on all cores.
#include <atomic>
#include <mutex>
#include <thread>

#include "accuracy/engine.h"
#include "accuracy/exact_unary.h"
#include "accuracy/points.h"
#include "accuracy/sweep.h"

namespace test {

namespace {

constexpr int64_t chunk = 1 << 16;

// Returns true unless the error of a finite number is surely not above `worst`: |got - exact| is compared with half the
// distance of neighbouring floats at `got`, because the exact value can be in the next lower binade. This saves most of
// the time.
bool may_exceed(float got, double exact, double worst) {
  uint32_t bits;
  std::memcpy(&bits, &got, sizeof bits);
  bits &= 0x7f800000u;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  const double ulp = std::max(static_cast<double>(power) * 0x1p-23, 0x1p-149);
  return !(std::abs(static_cast<double>(got) - exact) <= worst * ulp / 2) || !std::isfinite(got);
}

// One thread's buffers and plans for an operation.
class Worker {
 public:
  Worker(Op op, float constant)
      : op_(op), constant_(constant), xs_(chunk), values_(chunk), derivatives_(chunk) {
    // Of the instruction sets, the baseline has no FMA; all others do and compute the same bits.
    const Engine* best = nullptr;
    for (const Engine& engine : engines()) {
      if (engine.level != nullptr) best = &engine;
    }
    for (const Engine* engine : {&engines().front(), best}) {
      if (engine == best && !applied_.empty() && best == &engines().front()) continue;
      names_.push_back(engine->name);
      applied_.push_back(
          std::make_unique<Applied<float>>(*engine, op, constant, std::vector<int64_t>{1}, chunk));
    }
  }

  // The floats with the bits from first × chunk.
  void measure(int64_t first) {
    for (int64_t i = 0; i < chunk; ++i) {
      const uint32_t bits = static_cast<uint32_t>(first * chunk + i);
      float x;
      std::memcpy(&x, &bits, sizeof x);
      xs_[at(i)] = x;
      values_[at(i)] = exact_value<double>(op_, static_cast<double>(x), static_cast<double>(constant_));
      derivatives_[at(i)] =
          exact_derivative<double>(op_, static_cast<double>(x), static_cast<double>(constant_));
    }
    const std::vector<float> ones(chunk, 1.0f);
    for (size_t e = 0; e < applied_.size(); ++e) {
      Applied<float>& applied = *applied_[e];
      applied.run({xs_}, ones);
      const auto where = [&](size_t i) {
        return message("z = ", digits_of(xs_[i]), constant_ == 0 ? "" : message(", c = ", constant_), ", ",
                       names_[e]);
      };
      for (size_t i = 0; i < at(chunk); ++i) {
        const float value = applied.value()[i], derivative = applied.derivative()[i];
        if (may_exceed(value, values_[i], forward.ulps)) {
          forward.add(error_in_ulps(value, values_[i]), [&] { return where(i); });
        }
        const Derivative<double>& d = derivatives_[i];
        if (std::isnan(xs_[i]) && (std::isnan(derivative) || !derivative_keeps_nan(op_))) continue;
        if (may_exceed(derivative, d.value, backward.ulps)) {
          backward.add(error_in_ulps(derivative, d.value, d.term), [&] { return where(i); });
        }
      }
    }
  }

  Worst forward, backward;

 private:
  const Op op_;
  const float constant_;
  std::vector<float> xs_;
  std::vector<double> values_;
  std::vector<Derivative<double>> derivatives_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<Applied<float>>> applied_;
};

}  // namespace

void sweep_all_floats(Results& results) {
  for (int32_t i = 0; i < op_count; ++i) {
    const Op op = static_cast<Op>(i);
    if (kind_of(op) != Kind::unary || traits_of(op).random) continue;
    std::atomic<int64_t> next{0};
    std::mutex mutex;
    const auto work = [&] {
      Worker worker(op, static_cast<float>(constant_of(op)));
      for (int64_t first = next++; first < (int64_t{1} << 32) / chunk; first = next++) worker.measure(first);
      const std::lock_guard<std::mutex> lock(mutex);
      results[name_of(op)].forward[0].add(worker.forward);
      results[name_of(op)].backward[0].add(worker.backward);
    };
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); ++t)
      threads.emplace_back(work);
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace test
