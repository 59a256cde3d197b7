// Checks in ten seconds, before any test, which features of a GPU and its driver work that the engine builds on, and
// how long they take. Uses the same calls as the engine (backend/cuda/device.cpp, blas.cpp) without its code, so that a
// failure has few possible causes.
//   probe                runs every section in a separate process with a time limit; a failed section does not stop the
//                        others
//   probe SECTION        runs only that section, in this process
// Two sections run only by their name. 'overrun' writes past the end of a block to check that compute-sanitizer finds
// this in kernels whose name contains ours. 'hold' keeps the device open for ten minutes, because a driver can
// initialize the device again for each process that runs alone.
// Each line is "section: what: text", where the text is a number, 'works', or 'FAILED' and the reason. The exit status
// is 0 whatever was found.
#include <cuda_runtime.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "graphs.h"
#include "report.h"
#include "sections.h"

namespace chainrule {

__global__ void overrun(unsigned* block, unsigned size) { block[size] = 1; }

}  // namespace chainrule

namespace probe {

const char* section_name = "";

namespace {

constexpr double total_seconds = 10, section_seconds = 4;

void overrun() {
  unsigned* block = on_device(std::vector<unsigned>(64));
  chainrule::overrun<<<1, 1>>>(block, 64);
  CHECK(cudaGetLastError());
  CHECK(cudaDeviceSynchronize());
  report("written", "one element past the end of a block of 64; no error was reported");
}

void hold() {
  CHECK(cudaFree(nullptr));
  sleep(600);
}

// The most important sections come first. The last two run only by their names.
constexpr struct {
  const char* name;
  void (*run)();
} sections[] = {
    {"device", device},   {"graph", graph}, {"condition", condition}, {"large parameter", large_parameter},
    {"product", product}, {"lanes", lanes}, {"memory", memory},       {"epilogue", epilogue},
    {"overrun", overrun}, {"hold", hold}};

int run_section(const char* name) {
  for (const auto& section : sections) {
    if (std::strcmp(section.name, name) != 0) continue;
    section_name = section.name;
    try {
      section.run();
      return 0;
    } catch (const std::exception& error) {
      report("FAILED", "%s", error.what());
      return 1;
    }
  }
  std::fprintf(stderr, "probe: unknown section '%s'\n", name);
  return 2;
}

// Runs a section in a child process and reports how the process ended. A process that does not end in time is killed
// and not waited for. The parent process never calls CUDA, so that its children can. It loads cuBLASLt (half a
// gigabyte) once for all of them.
void run_apart(const char* name, double limit) {
  section_name = name;
  const double begin = seconds();
  if (limit < 0.5) return report("NOT RUN", "the time limit of %.0f s is reached", total_seconds);
  const pid_t child = fork();
  if (child < 0) return report("FAILED", "cannot start a process");
  if (child == 0) {
    const int status = run_section(name);
    std::fflush(stdout);
    _exit(status);
  }
  int status = 0;
  bool ended = false;
  while (!ended && seconds() - begin < limit) {
    ended = waitpid(child, &status, WNOHANG) == child;
    if (!ended) usleep(2000);
  }
  const double duration = seconds() - begin;
  if (!ended) {
    kill(child, SIGKILL);
    report("TIMED OUT", "killed after %.1f s", duration);
  } else if (WIFSIGNALED(status)) {
    report("CRASHED", "signal %d after %.1f s", WTERMSIG(status), duration);
  } else {
    report("ended", "%s after %.1f s", WEXITSTATUS(status) == 0 ? "successfully" : "with a FAILURE",
           duration);
  }
}

}  // namespace

}  // namespace probe

int main(int count, char** arguments) {
  using namespace probe;
  if (count == 2) return run_section(arguments[1]);
  const double begin = seconds();
  for (const auto& section : sections) {
    if (section.run == overrun || section.run == hold) continue;
    run_apart(section.name, std::min(section_seconds, begin + total_seconds - seconds()));
  }
  return 0;
}
