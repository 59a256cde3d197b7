// custom: an elementwise operation that the user defines. It is computed outside the core.
//   a = f(z),   d_z = f'(z) δ.   The host computes both and identifies f by a number. Saves its input and its output.
// This path is slow and meant for experiments. All values are converted to double. Each step makes one call, on the
// thread that runs the step. If a call fails, the run ends there. Therefore a plan with a custom operation updates the
// parameters after all calls.
#pragma once

#include <cstdint>
#include <string>

namespace chainrule {

// Computes `count` elements of operation `number`. Forward computes result = a from z; delta and a are then null.
// Backward computes result = d_z from delta, z and a. Returns false if the computation failed.
using CustomHost = bool (*)(int32_t number, bool backward, int64_t count, const double* delta,
                            const double* z, const double* a, double* result);

// The process-wide table of names. Thread-safe. Registering a name again returns its previous number. Existing graphs
// can still use an operation whose name has been unregistered.
void set_custom_host(CustomHost host);
int32_t register_custom(const std::string& name);
void unregister_custom(const std::string& name);
bool is_registered_custom(const std::string& name);
// Throws InvalidArgument if the name was never registered.
int32_t custom_number(const std::string& name);

// Called by a step. Throws Error if the host reports a failure.
void call_custom(int32_t number, bool backward, int64_t count, const double* delta, const double* z,
                 const double* a, double* result);

}  // namespace chainrule
