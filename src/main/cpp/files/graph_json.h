// A graph as JSON, with its nodes in order. It does not contain the values of constants: they are stored as tensors of
// the file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "io/json.h"

namespace chainrule {

Json graph_to_json(const Graph& graph);

// `values` returns the `count` = rows * columns values of the constant with this name. Throws Error or InvalidArgument
// if the JSON does not describe a valid graph.
using ConstantValues = std::function<std::vector<double>(const std::string& name, int64_t count)>;
Graph graph_from_json(const Json& json, const ConstantValues& values);

}  // namespace chainrule
