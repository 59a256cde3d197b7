// A graph as JSON, nodes in order. Constants' values are not in it: they are tensors of the file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "io/json.h"

namespace chainrule {

Json graph_to_json(const Graph& graph);

// `values` gives rows * columns values of the constant of this name. Throws Error or InvalidArgument with a sentence.
using ConstantValues = std::function<std::vector<double>(const std::string& name, int64_t count)>;
Graph graph_from_json(const Json& json, const ConstantValues& values);

}  // namespace chainrule
