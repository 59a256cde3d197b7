// Models and trainers in one safetensors file. docs/formats.md says what stands where.
#pragma once

#include <memory>
#include <string>

#include "runtime/model.h"
#include "runtime/trainer.h"

namespace chainrule {

// Written whole or not at all. Waits for a running step.
void save_model(const Model& model, const std::string& path);
void save_trainer(const Trainer& trainer, const std::string& path);

// Throw Error with the path and what is wrong with the file. A trainer's file is a model's file too.
std::shared_ptr<Model> load_model(const std::string& path, Backend& backend = cpu_backend());
// `model` was loaded from the same file, or has the same graph and type.
std::unique_ptr<Trainer> load_trainer(std::shared_ptr<Model> model, const std::string& path);

}  // namespace chainrule
