// Maps an optimizer to its rule. This is the only file that includes the rule types. If a rule is missing here, the
// code does not compile.
#pragma once

#include "optim/adam.h"
#include "optim/optimizer.h"
#include "optim/rmsprop.h"
#include "optim/sgd.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

constexpr bool is_learning_rate(const char* name) {
  const char* const expected = "learning_rate";
  int32_t i = 0;
  while (name[i] == expected[i] && name[i] != 0) ++i;
  return name[i] == expected[i];
}

template <class Rule>
constexpr int32_t setting_count = sizeof(Rule::settings) / sizeof(Rule::settings[0]);

#define CHAINRULE_CHECK(kind, Rule)                                                                       \
  static_assert(is_learning_rate(Rule::settings[0].name), "a rule's first setting is the learning rate"); \
  static_assert(setting_count<Rule> <= max_settings && Rule::state_count <= max_states &&                 \
                    (Rule::always >> Rule::state_count) == 0,                                             \
                "a rule has too many settings or states");
CHAINRULE_OPTIMIZERS(CHAINRULE_CHECK)
#undef CHAINRULE_CHECK

// Calls `body` with an empty value of the rule's type. Returns `otherwise` if there is no such optimizer.
template <class Result, class Body>
inline Result visit_optimizer(OptimizerKind kind, Result otherwise, Body&& body) {
  switch (kind) {
#define CHAINRULE_CASE(name, Rule) \
  case OptimizerKind::name: return body(Rule{});
    CHAINRULE_OPTIMIZERS(CHAINRULE_CASE)
#undef CHAINRULE_CASE
    default: return otherwise;
  }
}

template <uint32_t states>
struct States {
  static constexpr uint32_t value = states;
};

// Calls `body` with the States type for `kept`. Returns `otherwise` if the rule cannot keep this set of states.
template <class Rule, uint32_t candidate = 0, class Result, class Body>
inline Result visit_states(uint32_t kept, Result otherwise, Body&& body) {
  if constexpr (candidate >> Rule::state_count != 0) {
    return otherwise;
  } else {
    if constexpr ((candidate & Rule::always) == Rule::always) {
      if (kept == candidate) return body(States<candidate>{});
    }
    return visit_states<Rule, candidate + 1>(kept, otherwise, body);
  }
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
