// The library's large blocks of native memory, counted.
#pragma once

#include <cstdint>

#include "backend/backend.h"

namespace chainrule {

// Zeroed, aligned to 64 bytes. Throws Error with the size when there is none, InvalidArgument when bytes is negative.
char* allocate_counted(int64_t bytes);
void release_counted(char* memory, int64_t bytes);

// Bytes held now, and blocks asked for since the process began.
int64_t counted_bytes();
int64_t counted_allocations();

// The same, with what the machine has, or the container where that has less.
MemoryBytes native_memory();

}  // namespace chainrule
