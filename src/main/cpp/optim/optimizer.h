// The registry of optimizers, one line per optimizer, and the interface of their rules: settings, states and the
// numbers of one step. The whole update of X, with the formula on top, is in optim/X.h. optim/rules.h includes them.
#pragma once

#include <cstdint>
#include <string>

#include "util/dtype.h"
#include "util/host_device.h"
#include "util/range.h"

namespace chainrule {

// X(name in files, type of the rule)
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

constexpr int32_t max_settings = 8;      // per rule
constexpr int32_t max_states = 3;        // per rule; a state holds one number per element of a parameter
constexpr int32_t max_step_scalars = 3;  // per rule; numbers that the rule computes once per step

struct Setting {
  const char* name;
  double value;  // the default
  Range range;
};

// The numbers of one step's update.
struct UpdateScalars {
  double settings[max_settings] = {};  // in the order of the rule's list; the first is the learning rate
  // The numbers that the rule computes from the number of the step, such as bias corrections.
  double of_step[max_step_scalars] = {};

  CHAINRULE_INLINE double learning_rate() const { return settings[0]; }
};

// A number that depends on the learning rate and is therefore known only when the step runs.
struct Coefficient {
  double constant = 1;
  double per_learning_rate = 0;

  CHAINRULE_INLINE double at(double learning_rate) const {
    return constant + per_learning_rate * learning_rate;
  }
};

// How a matrix product can apply the update. An update that is linear in the gradient needs no gradient buffer if the
// gradient is a single product: that product writes α (gradient) + β (old value) to the parameter or to a state.
struct InProduct {
  bool possible = false;
  const char* obstacle = nullptr;  // why the settings prevent it, if other settings would allow it
  // The state that the product writes, before the rule's after_product runs; -1: it writes the parameter itself.
  int32_t state = -1;
  Coefficient alpha, beta{0, 0};
};

// The base of all rules, with the defaults of optional members. In addition, each rule has
//   settings[]        the settings, `learning_rate` first; an enum names their indices
//   state_count       the maximum number of states
//   always            bit k is set if state k is kept with any settings
//   states(settings)  bit k is set if state k is kept with these settings
//   Scalars<T>        UpdateScalars, converted to the type of the parameters
//   update<states>(w, state, g, scalars)  updates one element w of a parameter and its states, given its gradient g
struct PlainRule {
  static constexpr bool has_after_product = false;
  static InProduct in_product(const double*) { return {}; }
  // Returns an error message if two settings contradict each other, otherwise null.
  static const char* conflict(const double*) { return nullptr; }
  // Computes UpdateScalars::of_step from the settings and the number of the step: 1, 2, ...
  static void of_step(const double*, double, double*) {}
};

// An optimizer and its settings, which initially have their default values. The constructor, set() and get() throw
// InvalidArgument if a name is unknown.
class OptimizerSettings {
 public:
  OptimizerSettings(OptimizerKind kind = OptimizerKind::sgd);  // NOLINT: implicit, a rule with its defaults
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
// Throws InvalidArgument if a setting is out of its range, either as a double or after rounding to `dtype`, if rounding
// turns it into 0, or if two settings contradict each other.
void check_optimizer(const OptimizerSettings& settings, DType dtype);

// Returns the states that the optimizer keeps: bit k is set for state k.
uint32_t states_of(const OptimizerSettings& settings);
InProduct in_product(const OptimizerSettings& settings);
// Returns the numbers of the given step: 1, 2, ...
UpdateScalars update_scalars(const OptimizerSettings& settings, int64_t step);

}  // namespace chainrule
