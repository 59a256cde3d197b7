// custom: an elementwise operation of the user's own, computed outside the core.
//   a = f(z),   d_z = f'(z) δ: both by calls of the host, which knows f by a number. Saves its input and its output.
// A slow path, for experiments: numbers go through double, one call a step, on the thread that runs the step. A call that
// fails ends the run there; plans with such an operation update parameters after all its calls.
#pragma once

#include <cstdint>
#include <string>

namespace chainrule {

// Computes `count` elements of operation `number`: forward result = a from z, backward result = d_z from δ, z and a.
// Forward, delta and a are null. Returns false when it failed.
using CustomHost = bool (*)(int32_t number, bool backward, int64_t count, const double* delta,
                            const double* z, const double* a, double* result);

// The process's table of names. Registering a name again gives its old number. A name that is taken out stays usable for
// the graphs that have it already.
void set_custom_host(CustomHost host);
int32_t register_custom(const std::string& name);
void unregister_custom(const std::string& name);
bool is_registered_custom(const std::string& name);
int32_t custom_number(const std::string& name);  // of a name that was registered once

// What a step calls. Throws Error when the host says that it failed.
void call_custom(int32_t number, bool backward, int64_t count, const double* delta, const double* z,
                 const double* a, double* result);

}  // namespace chainrule
