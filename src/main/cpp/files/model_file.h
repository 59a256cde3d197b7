// Stores models and trainers in safetensors files. docs/formats.md describes their contents.
#pragma once

#include <memory>
#include <string>

#include "runtime/model.h"
#include "runtime/trainer.h"

namespace chainrule {

// Write the file completely or not at all. Wait for a running training step.
void save_model(const Model& model, const std::string& path);
void save_trainer(const Trainer& trainer, const std::string& path);

// Throw Error if the file is not valid; the message has the path and the reason. A file of a trainer is also a file of
// its model.
std::shared_ptr<Model> load_model(const std::string& path, Backend& backend = cpu_backend());
// `model` must have been loaded from the same file, or have the same graph and type.
std::unique_ptr<Trainer> load_trainer(std::shared_ptr<Model> model, const std::string& path);

}  // namespace chainrule
