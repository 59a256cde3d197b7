#include "files/model_file.h"

#include <cmath>
#include <functional>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "files/graph_json.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "util/check.h"

namespace chainrule {

namespace {

constexpr const char* graph_key = "chainrule.graph";
constexpr const char* trainer_key = "chainrule.trainer";

// Returns the tensor name of an optimizer state of a parameter. The states are stored next to the parameters. No node
// name can be confused with these names: the loader looks up each tensor by its full name, and write_safetensors throws
// if a name occurs twice.
std::string state_name(int32_t number, const std::string& parameter) {
  return message("chainrule.state", number, "/", parameter);
}

StoredType stored(DType dtype) { return dtype == DType::float32 ? StoredType::f32 : StoredType::f64; }

std::vector<int64_t> stored_shape(const Shape& shape) {
  return shape.columns == 1 ? std::vector<int64_t>{shape.rows}
                            : std::vector<int64_t>{shape.rows, shape.columns};
}

// Adds all tensors of a block that is laid out like the parameters. `name` maps the name of a parameter to the name of
// the tensor.
void add_block(const Model& model, const char* block,
               const std::function<std::string(const std::string&)>& name,
               std::vector<TensorToWrite>* tensors) {
  for (int32_t id : model.graph().parameters()) {
    const Node& node = model.graph().node(id);
    tensors->push_back({name(node.name), stored(model.dtype()), stored_shape(node.shape),
                        block + model.layout().offsets[static_cast<size_t>(id)]});
  }
}

std::string same_name(const std::string& name) { return name; }

Json model_json(const Model& model) {
  Json json = graph_to_json(model.graph());
  json.add("type", name_of(model.dtype())).add("seed", model.seed());
  return json;
}

Json settings_json(const OptimizerSettings& optimizer) {
  Json json = Json::make_object();
  for (const Setting& setting : settings_of(optimizer.kind())) {
    const double value = optimizer.get(setting.name);
    json.add(setting.name, setting.range == Range::flag ? Json(value != 0) : Json(value));
  }
  return json;
}

// Reads the optimizer of a trainer. A missing setting has its default value. Older files have no `settings`: they store
// the settings of all rules next to the name of the optimizer.
OptimizerSettings read_optimizer(const Json& trainer) {
  OptimizerSettings optimizer(trainer.at("optimizer").string());
  const auto read = [&](const Json& from, const char* name, Range range) {
    const Json& value = from.at(name);
    optimizer.set(name, range == Range::flag ? (value.boolean() ? 1 : 0) : value.number());
  };
  const Json* const settings = trainer.find("settings");
  if (settings == nullptr) {
    for (const Setting& setting : settings_of(optimizer.kind())) read(trainer, setting.name, setting.range);
    return optimizer;
  }
  // get() throws if the rule has no setting with this name.
  for (const Json& value : settings->object()) optimizer.get(value.key());
  for (const Setting& setting : settings_of(optimizer.kind())) {
    if (settings->find(setting.name) != nullptr) read(*settings, setting.name, setting.range);
  }
  return optimizer;
}

// Makes blocks of the engine's memory readable by the CPU. The addresses are valid as long as this object lives.
class HostCopies {
 public:
  explicit HostCopies(const Model& model) : model_(model) {}

  // `block` is laid out like the parameters.
  const char* readable(const char* block) {
    Backend& backend = model_.backend();
    if (backend.on_host()) return block;
    copies_.emplace_back(backend.host_memory());
    copies_.back().reserve(model_.layout().parameter_bytes);
    backend.copy_out(copies_.back().data(), block, model_.layout().parameter_bytes);
    return copies_.back().data();
  }

 private:
  const Model& model_;
  std::vector<MemoryBlock> copies_;
};

void write(const Model& model, const Trainer* trainer, const std::string& path) {
  HostCopies copies(model);
  std::vector<TensorToWrite> tensors;
  std::vector<std::pair<std::string, std::string>> metadata = {{graph_key, dump(model_json(model))}};
  std::shared_lock<FairSharedMutex> reading(model.mutex());
  add_block(model, copies.readable(model.parameters()), same_name, &tensors);
  for (const Node& node : model.graph().nodes()) {
    if (node.op != Op::constant) continue;
    tensors.push_back({node.name, StoredType::f64, stored_shape(node.shape), node.values.data()});
  }
  if (trainer != nullptr) {
    const Progress& p = trainer->progress();
    Json json = Json::make_object();
    json.add("loss", model.graph().node(trainer->loss()).name)
        .add("optimizer", name_of(trainer->optimizer().kind()))
        .add("settings", settings_json(trainer->optimizer()))
        .add("steps", p.steps)
        .add("epoch", p.epoch)
        .add("position", p.position)
        .add("examples", p.examples)
        .add("shuffle", p.shuffle)
        .add("shuffle_seed", p.shuffle_seed)
        .add("running_sum", p.running_sum)
        .add("epoch_loss", p.epoch_loss)
        .add("last_loss", p.last_loss);
    metadata.emplace_back(trainer_key, dump(json));
    for (int32_t i = 0; i < max_states; ++i) {
      if (trainer->state(i) == nullptr) continue;
      add_block(
          model, copies.readable(trainer->state(i)),
          [i](const std::string& name) { return state_name(i, name); }, &tensors);
    }
  }
  write_safetensors(path, tensors, metadata);
}

void read_tensor(const SafetensorsFile& file, const std::string& name, StoredType type, const Shape& shape,
                 void* destination) {
  const SafetensorsFile::Tensor* tensor = file.find(name);
  if (tensor == nullptr) throw Error(message("the tensor ", quote(name), " is missing"));
  if (tensor->type != type || tensor->shape != stored_shape(shape)) {
    std::string sizes;
    for (const int64_t size : tensor->shape) sizes += message(sizes.empty() ? "" : " x ", size);
    throw Error(message("the tensor ", quote(name), " should be ", stored_type_name(type), " of shape ",
                        shape.to_string(), ", but is ", stored_type_name(tensor->type), " of shape [", sizes,
                        "]"));
  }
  file.read(*tensor, destination);
}

template <class T>
void require_finite(const std::string& name, const T* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (!std::isfinite(values[i]))
      throw Error(message("the tensor ", quote(name), " should have finite values, but value ", i, " is ",
                          values[i]));
  }
}

void read_block(const SafetensorsFile& file, const Model& model, char* block,
                const std::function<std::string(const std::string&)>& name) {
  for (int32_t id : model.graph().parameters()) {
    const Node& node = model.graph().node(id);
    char* to = block + model.layout().offsets[static_cast<size_t>(id)];
    write_on_host(model.backend(), to, node.shape.elements() * size_of(model.dtype()), [&](char* host) {
      read_tensor(file, name(node.name), stored(model.dtype()), node.shape, host);
      with_type(model.dtype(), host,
                [&](auto* values) { require_finite(name(node.name), values, node.shape.elements()); });
    });
  }
}

const std::string& metadata(const SafetensorsFile& file, const char* key, const char* what) {
  const std::string* text = file.metadata(key);
  if (text == nullptr) throw Error(message("the file has no ", what, " (metadata ", key, ")"));
  return *text;
}

// Thrown for a valid file that has a model, but no trainer.
struct NoTraining {};

// Runs body. Turns every exception about the contents of the file into an Error whose message begins with the path.
template <class Body>
auto reading(const std::string& path, Body&& body) {
  SafetensorsFile file(path);
  try {
    return body(file);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const NoTraining&) {
    throw Error(message(path, ": it holds no training: Model.save writes only the model, ",
                        "Trainer.save writes both"));
  } catch (const std::exception& problem) {
    throw Error(message(path, ": not a valid model file: ", problem.what()));
  }
}

// Reads a count. Throws Error unless it is from 0 to 2^53, so that a double can represent it exactly.
int64_t counted(const Json& json, const char* key) {
  const int64_t value = json.at(key).integer();
  if (value < 0 || value > int64_t{1} << 53)
    throw Error(message(key, " should be from 0 to 2^53, but is ", value));
  return value;
}

}  // namespace

void save_model(const Model& model, const std::string& path) { write(model, nullptr, path); }

void save_trainer(const Trainer& trainer, const std::string& path) {
  write(*trainer.model(), &trainer, path);
}

std::shared_ptr<Model> load_model(const std::string& path, Backend& backend) {
  return reading(path, [&](const SafetensorsFile& file) {
    const Json json = parse(metadata(file, graph_key, "graph"));
    const std::string& type = json.at("type").string();
    if (type != name_of(DType::float32) && type != name_of(DType::float64)) {
      throw Error(message("expected the type float or double, but got ", quote(type)));
    }
    Graph graph = graph_from_json(json, [&](const std::string& name, int64_t count) {
      const SafetensorsFile::Tensor* tensor = file.find(name);
      if (tensor == nullptr || tensor->type != StoredType::f64 || tensor->bytes / 8 != count) {
        throw Error(message("the tensor ", quote(name), " with ", count, " F64 values is missing"));
      }
      std::vector<double> values(static_cast<size_t>(count));
      file.read(*tensor, values.data());
      return values;
    });
    // Check that all parameters are in the file before memory is allocated for them.
    for (int32_t id : graph.parameters()) {
      if (file.find(graph.node(id).name) == nullptr) {
        throw Error(message("the tensor ", quote(graph.node(id).name), " is missing"));
      }
    }
    DType dtype = type == name_of(DType::float32) ? DType::float32 : DType::float64;
    for (int32_t id : graph.parameters()) {
      const SafetensorsFile::Tensor* tensor = file.find(graph.node(id).name);
      if (tensor->bytes / size_of(dtype) != graph.node(id).shape.elements()) {
        throw Error(message("the tensor ", quote(graph.node(id).name), " should be of shape ",
                            graph.node(id).shape.to_string(), ", but has ", tensor->bytes, " bytes"));
      }
    }
    auto model = std::make_shared<Model>(std::move(graph), dtype, json.at("seed").integer(), backend);
    read_block(file, *model, model->parameters(), same_name);
    return model;
  });
}

std::unique_ptr<Trainer> load_trainer(std::shared_ptr<Model> model, const std::string& path) {
  return reading(path, [&](const SafetensorsFile& file) {
    if (file.metadata(trainer_key) == nullptr && file.metadata(graph_key) != nullptr) {
      throw NoTraining();
    }
    const Json json = parse(metadata(file, trainer_key, "trainer's state"));
    const Json stored_graph = parse(metadata(file, graph_key, "graph"));
    if (dump(stored_graph.at("nodes")) != dump(graph_to_json(model->graph()).at("nodes")) ||
        stored_graph.at("type").string() != name_of(model->dtype())) {
      throw Error("the trainer in the file belongs to another graph or type than the model");
    }
    const int32_t loss = model->graph().find(json.at("loss").string());
    if (loss < 0)
      throw Error(message("the loss ", quote(json.at("loss").string()), " is not a node of the graph"));
    Progress p;
    p.steps = counted(json, "steps");
    p.epoch = counted(json, "epoch");
    p.position = counted(json, "position");
    p.examples = counted(json, "examples");
    if (p.position > 0 && p.position >= p.examples)
      throw Error(message("position should be less than ", p.examples, ", the number of examples, but is ",
                          p.position));
    p.shuffle = json.at("shuffle").boolean();
    p.shuffle_seed = json.at("shuffle_seed").integer();
    p.running_sum = json.at("running_sum").number();
    p.epoch_loss = json.at("epoch_loss").number();
    p.last_loss = json.at("last_loss").number();

    auto trainer = std::make_unique<Trainer>(model, loss, read_optimizer(json));
    trainer->restore(p);
    for (int32_t i = 0; i < max_states; ++i) {
      if (trainer->state(i) == nullptr) continue;
      read_block(file, *model, trainer->state(i),
                 [i](const std::string& name) { return state_name(i, name); });
    }
    return trainer;
  });
}

}  // namespace chainrule
