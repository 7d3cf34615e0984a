// Memory of large tensors on the CPU.
#pragma once

namespace shim::heap {

void install(); // has libtorch take large tensors from here; what it has given out stays valid
void trim();    // gives the pages of what is free back to the system

} // namespace shim::heap
