// The registry of optimizers: one line each. What a rule says about itself, and what others ask of it: its settings, its
// states, the numbers of a step. The whole update of X, formula on top, is in optim/X.h; optim/rules.h includes them all.
#pragma once

#include <cstdint>
#include <string>

#include "util/dtype.h"
#include "util/host_device.h"

namespace chainrule {

// Name in files, and the rule's type.
#define CHAINRULE_OPTIMIZERS(X) \
  X(sgd, Sgd)                   \
  X(adam, Adam)                 \
  X(adamw, AdamW)               \
  X(rmsprop, Rmsprop)

enum class OptimizerKind : int32_t {
#define CHAINRULE_OPTIMIZER_ENUM(name, Rule) name,
  CHAINRULE_OPTIMIZERS(CHAINRULE_OPTIMIZER_ENUM)
#undef CHAINRULE_OPTIMIZER_ENUM
};

constexpr int32_t optimizer_count = 0
#define CHAINRULE_OPTIMIZER_COUNT(name, Rule) +1
    CHAINRULE_OPTIMIZERS(CHAINRULE_OPTIMIZER_COUNT);
#undef CHAINRULE_OPTIMIZER_COUNT

constexpr int32_t max_settings = 8;      // of a rule
constexpr int32_t max_states = 3;        // numbers that a rule keeps for each element of a parameter
constexpr int32_t max_step_scalars = 2;  // numbers that a rule computes anew for each step

// Which values a setting may have; all are finite.
enum class Range : int32_t {
  not_negative,  // 0 or more
  positive,      // above 0
  factor,        // at least 0 and less than 1
  flag,          // 0 or 1
};

struct Setting {
  const char* name;
  double value;  // unless another is set
  Range range;
};

// The numbers of one step's update.
struct UpdateScalars {
  double settings[max_settings] = {};  // in the order of the rule's list; the first is the learning rate
  // What the rule computes from the step's number: corrections of a bias.
  double of_step[max_step_scalars] = {};

  CHAINRULE_INLINE double learning_rate() const { return settings[0]; }
};

// A number known only when the step runs.
struct Coefficient {
  double constant = 1;
  double per_learning_rate = 0;

  CHAINRULE_INLINE double at(double learning_rate) const {
    return constant + per_learning_rate * learning_rate;
  }
};

// An update that is linear in the gradient needs no gradient buffer: where the gradient is one product, that product
// writes α (gradient) + β (what was there) into the parameter or a state.
struct InProduct {
  bool possible = false;
  const char* obstacle = nullptr;  // with other settings it would be possible: why not with these
  int32_t state = -1;  // which is written, before the rule's after_product; -1: the parameter itself
  Coefficient alpha, beta{0, 0};
};

// What a rule has unless it says otherwise. Besides, each has
//   settings[]     `learning_rate` first; an enum names their indices
//   state_count    numbers an element at most; bit k of `always` and of what `states(settings)` returns: state k is kept
//   Scalars<T>     an UpdateScalars in the type of the parameters
//   update<states>(w, state, g, scalars)
struct PlainRule {
  static constexpr bool has_after_product = false;
  static InProduct in_product(const double*) { return {}; }
  // A sentence about settings that do not go together; null: they do.
  static const char* conflict(const double*) { return nullptr; }
  // Of step 1, 2, ...
  static void of_step(const double*, double, double*) {}
};

// A rule and its settings, by name; made with their default values. Names that the rule has not are refused.
class OptimizerSettings {
 public:
  OptimizerSettings(OptimizerKind kind = OptimizerKind::sgd);  // NOLINT: implicit, a rule as it is by default
  explicit OptimizerSettings(const std::string& name);

  OptimizerSettings& set(const std::string& setting, double value);
  double get(const std::string& setting) const;
  OptimizerKind kind() const { return kind_; }
  const double* values() const { return values_; }  // in the order of settings_of(kind())

 private:
  OptimizerKind kind_;
  double values_[max_settings] = {};
};

struct SettingList {
  const Setting* first = nullptr;
  int32_t count = 0;

  const Setting* begin() const { return first; }
  const Setting* end() const { return first + count; }
};

const char* name_of(OptimizerKind kind);
SettingList settings_of(OptimizerKind kind);
// Throws InvalidArgument where a setting is out of its range, as a double or as the type of the parameters holds it, or
// where settings do not go together.
void check_optimizer(const OptimizerSettings& settings, DType dtype);

// Bit k: state k is kept.
uint32_t states_of(const OptimizerSettings& settings);
InProduct in_product(const OptimizerSettings& settings);
// The numbers of step 1, 2, ...
UpdateScalars update_scalars(const OptimizerSettings& settings, int64_t step);

}  // namespace chainrule
