// Memory of large tensors on the CPU.
#pragma once

#include <cstddef>

namespace shim::heap {

// install has libtorch take large tensors from a range of addresses that are kept but not usable yet, unless
// they are; what it has given out stays valid.
void install(void *range, size_t bytes);

void trim(); // gives the pages of what is free back to the system

} // namespace shim::heap
