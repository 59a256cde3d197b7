// The sections of the probe. Each reports its findings and throws std::runtime_error if it cannot continue.
#pragma once

namespace probe {

// The device, its versions and its memory.
void device();
// Graphs: the cost of a launch and of each node.
void graph();
// Conditional nodes.
void condition();
// A kernel whose parameter is as large as the tile kernel's list of instructions.
void large_parameter();
// Two lanes of a graph that run at the same time.
void lanes();
// The cost of allocations.
void memory();
// Products of cuBLASLt, directly, in a graph and in a conditional body.
void product();
// The epilogues that cuBLASLt's heuristic offers.
void epilogue();

}  // namespace probe
