#include "optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "optim/rules.h"
#include "util/check.h"
#include "util/held.h"

namespace chainrule {

namespace {

std::string list_settings(OptimizerKind kind) {
  std::string text;
  for (const Setting& setting : settings_of(kind))
    text += (text.empty() ? "" : ", ") + std::string(setting.name);
  return text;
}

int32_t index_of(OptimizerKind kind, const std::string& name) {
  int32_t index = 0;
  for (const Setting& setting : settings_of(kind)) {
    if (name == setting.name) return index;
    ++index;
  }
  throw InvalidArgument(message("optimizer ", name_of(kind), ": expected one of the settings ",
                                list_settings(kind), ", but got '", name, "'"));
}

OptimizerKind kind_of(const std::string& name) {
  std::string names;
  for (int32_t i = 0; i < optimizer_count; ++i) {
    const OptimizerKind kind = static_cast<OptimizerKind>(i);
    if (name == name_of(kind)) return kind;
    names += (names.empty() ? "" : ", ") + std::string(name_of(kind));
  }
  throw InvalidArgument(message("optimizer: expected one of ", names, ", but got '", name, "'"));
}

}  // namespace

const char* name_of(OptimizerKind kind) {
  static const char* const names[] = {
#define CHAINRULE_OPTIMIZER_NAME(name, Rule) #name,
      CHAINRULE_OPTIMIZERS(CHAINRULE_OPTIMIZER_NAME)
#undef CHAINRULE_OPTIMIZER_NAME
  };
  return names[static_cast<int32_t>(kind)];
}

SettingList settings_of(OptimizerKind kind) {
  return visit_optimizer(kind, SettingList{}, [](auto rule) {
    return SettingList{decltype(rule)::settings, setting_count<decltype(rule)>};
  });
}

OptimizerSettings::OptimizerSettings(OptimizerKind kind) : kind_(kind) {
  const SettingList list = settings_of(kind);
  for (int32_t i = 0; i < list.count; ++i) values_[i] = list.first[i].value;
}

OptimizerSettings::OptimizerSettings(const std::string& name) : OptimizerSettings(chainrule::kind_of(name)) {}

OptimizerSettings& OptimizerSettings::set(const std::string& setting, double value) {
  values_[index_of(kind_, setting)] = value;
  return *this;
}

double OptimizerSettings::get(const std::string& setting) const { return values_[index_of(kind_, setting)]; }

void check_optimizer(const OptimizerSettings& settings, DType dtype) {
  const char* const name = name_of(settings.kind());
  const SettingList list = settings_of(settings.kind());
  for (int32_t i = 0; i < list.count; ++i) {
    const Setting& setting = list.first[i];
    const double value = settings.values()[i];
    REQUIRE(contains(setting.range, value), "optimizer ", name, ": ", setting.name, " must be ",
            text_of(setting.range), ", but got ", value);
    REQUIRE(contains(setting.range, held(value, dtype)), "optimizer ", name, ": ", setting.name, " must be ",
            text_of(setting.range), ", but got ", value, ", which is ", held(value, dtype),
            " in a model of floats");
    REQUIRE(value == 0 || held(value, dtype) != 0, "optimizer ", name, ": ", setting.name, " is ", value,
            ", which is 0 in a model of floats; build a model of doubles, or use a larger number");
  }
  const char* const conflict =
      visit_optimizer(settings.kind(), static_cast<const char*>(nullptr),
                      [&](auto rule) { return decltype(rule)::conflict(settings.values()); });
  REQUIRE(conflict == nullptr, "optimizer ", name, ": ", conflict);
}

uint32_t states_of(const OptimizerSettings& settings) {
  return visit_optimizer(settings.kind(), uint32_t{0},
                         [&](auto rule) { return decltype(rule)::states(settings.values()); });
}

InProduct in_product(const OptimizerSettings& settings) {
  return visit_optimizer(settings.kind(), InProduct{},
                         [&](auto rule) { return decltype(rule)::in_product(settings.values()); });
}

UpdateScalars update_scalars(const OptimizerSettings& settings, int64_t step) {
  UpdateScalars scalars;
  std::copy(settings.values(), settings.values() + max_settings, scalars.settings);
  return visit_optimizer(settings.kind(), scalars, [&](auto rule) {
    decltype(rule)::of_step(settings.values(), static_cast<double>(step), scalars.of_step);
    return scalars;
  });
}

}  // namespace chainrule
