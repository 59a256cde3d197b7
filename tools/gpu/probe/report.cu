#include "report.h"

#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace probe {

void report(const char* what, const char* format, ...) {
  std::printf("%s: %s: ", section_name, what);
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\n");
  std::fflush(stdout);
}

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // otherwise the next launch would report this error
  throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status) + " (" +
                           cudaGetErrorName(status) + ")");
}

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error(std::string(what) + ": " + cublasLtGetStatusString(status));
}

void attempt(const char* what, const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    report(what, "FAILED: %s", error.what());
  }
}

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double host_microseconds(int times, const std::function<void()>& body) {
  const double begin = seconds();
  for (int i = 0; i < times; ++i) body();
  return (seconds() - begin) / times * 1e6;
}

void expect(unsigned got, unsigned expected) {
  if (got == expected) return;
  throw std::runtime_error("expected a count of " + std::to_string(expected) + ", got " +
                           std::to_string(got));
}

}  // namespace probe
