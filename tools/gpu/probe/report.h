// How the probe's sections report what they find, check errors and measure host time.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <functional>

namespace probe {

// The running section, which each line of output names.
extern const char* section_name;

// Prints "section: what: text".
__attribute__((format(printf, 2, 3))) void report(const char* what, const char* format, ...);

// Throw std::runtime_error if the status is an error. `what` names the call.
void check(cudaError_t status, const char* what);
void check(cublasStatus_t status, const char* what);
#define CHECK(call) check(call, #call)

// Throws std::runtime_error unless the counts are equal.
void expect(unsigned got, unsigned expected);

// Runs a part of a section. Reports its failure, and the section continues.
void attempt(const char* what, const std::function<void()>& body);

// Returns the seconds of a steady clock.
double seconds();

// Returns the microseconds per call on the host.
double host_microseconds(int times, const std::function<void()>& body);

}  // namespace probe
