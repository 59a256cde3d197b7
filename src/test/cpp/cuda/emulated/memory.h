// The functions that the memory and the queues of the emulated device share.
#pragma once

#include <functional>

#include "backend/cuda/device.h"

namespace chainrule {
namespace cuda {

using Work = std::function<void()>;

// Defined in device.cpp. Throws Error unless the thread has opened the device.
void require_device();
// Defined in device.cpp. Adds work to the queue, which must not be capturing.
void submit(Queue* queue, Work work);

// Defined in memory.cpp. Returns true if the address is in neither device memory nor pinned memory.
bool pageable(const void* address);

}  // namespace cuda
}  // namespace chainrule
