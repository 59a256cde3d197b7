// Allocates the blocks of native memory that hold values, and counts them.
#pragma once

#include <cstdint>

#include "backend/backend.h"

namespace chainrule {

// Returns zeroed memory, aligned to 64 bytes, or null for 0 bytes. Throws Error if there is not enough memory. Throws
// InvalidArgument if `bytes` is negative.
char* allocate_counted(int64_t bytes);
void release_counted(char* memory, int64_t bytes);

// Bytes held now, and the number of blocks allocated since the process began.
int64_t counted_bytes();
int64_t counted_allocations();

// Returns these counts, the largest number of bytes held so far, and the machine's memory, or the container's memory if
// that is less.
MemoryBytes native_memory();

}  // namespace chainrule
