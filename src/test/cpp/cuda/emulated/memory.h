// What the emulated device's memory and queues need of each other.
#pragma once

#include <functional>

#include "backend/cuda/device.h"

namespace chainrule {
namespace cuda {

using Work = std::function<void()>;

// device.cpp. Throws Error unless the thread has opened the device.
void require_device();
// device.cpp. Not while capturing.
void give(Queue* queue, Work work);

// memory.cpp. Is the address in neither device nor pinned memory?
bool pageable(const void* address);

}  // namespace cuda
}  // namespace chainrule
