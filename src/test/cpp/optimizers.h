// Short functions for the optimizers and settings that tests use.
#pragma once

#include "optim/optimizer.h"

namespace test {

using chainrule::OptimizerKind;
using chainrule::OptimizerSettings;
using chainrule::UpdateScalars;

inline OptimizerSettings sgd(double momentum = 0, bool nesterov = false, double weight_decay = 0) {
  OptimizerSettings o(OptimizerKind::sgd);
  return o.set("momentum", momentum).set("nesterov", nesterov ? 1 : 0).set("weight_decay", weight_decay);
}
inline OptimizerSettings adam(double weight_decay = 0) {
  return OptimizerSettings(OptimizerKind::adam).set("weight_decay", weight_decay);
}
inline OptimizerSettings adamw(double weight_decay) {
  return OptimizerSettings(OptimizerKind::adamw).set("weight_decay", weight_decay);
}
inline OptimizerSettings rmsprop(double momentum = 0, bool centered = false, double weight_decay = 0) {
  OptimizerSettings o(OptimizerKind::rmsprop);
  return o.set("momentum", momentum).set("centered", centered ? 1 : 0).set("weight_decay", weight_decay);
}
inline OptimizerSettings at_rate(double learning_rate, OptimizerSettings o) {
  return o.set("learning_rate", learning_rate);
}

// Returns the update scalars of step t = 1, 2, ... Sets β₂ and ε if the optimizer has these settings.
inline UpdateScalars scalars(OptimizerSettings o, int t, double learning_rate, double beta2 = 0.999,
                             double epsilon = 1e-8) {
  o.set("learning_rate", learning_rate);
  for (const chainrule::Setting& setting : settings_of(o.kind())) {
    if (setting.name == std::string("beta2")) o.set("beta2", beta2);
    if (setting.name == std::string("epsilon")) o.set("epsilon", epsilon);
  }
  return update_scalars(o, t);
}

}  // namespace test
