// Informs the address sanitizer which parts of a larger block are in use.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace chainrule {

// Sets whether the memory may be accessed. Has no effect without the sanitizer.
inline void allow(const void* memory, int64_t bytes, bool allowed) {
#if defined(__SANITIZE_ADDRESS__)
  allowed ? __asan_unpoison_memory_region(memory, static_cast<size_t>(bytes))
          : __asan_poison_memory_region(memory, static_cast<size_t>(bytes));
#else
  (void)memory, (void)bytes, (void)allowed;
#endif
}

}  // namespace chainrule
