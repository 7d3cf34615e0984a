// What the pretend device's translation units share.
#pragma once
#include "device.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <atomic>
#include <functional>

namespace pretend {

inline const c10::Device device{c10::DeviceType::PrivateUse1, 0};

struct Counters {
  std::atomic<int64_t> ops{0}, uploads{0}, uploaded{0}, downloads{0}, downloaded{0}, replays{0}, waits{0};
};
extern Counters counters;

// The stream that this thread's work goes to; 0 is the default one.
extern thread_local c10::StreamId stream;

// While a graph is recorded, every operation adds what does it again, and the tensors to keep.
struct Recorded {
  std::vector<std::function<void()>> work;
  std::vector<at::Tensor> kept;
};
extern thread_local Recorded *recording;

// stops is called before what makes the device wait for the host: it cannot be recorded.
void stops(const char *what);

// near is a CPU tensor over the memory of t, which is on the device or on the host already.
at::Tensor near(const at::Tensor &t);

// far is a tensor on the device over the memory of a CPU tensor, which it keeps alive.
at::Tensor far(const at::Tensor &host);

const at::Tensor &resize_(const at::Tensor &t, at::IntArrayRef sizes, std::optional<at::MemoryFormat>);

// Page-locked memory of the host.
c10::Allocator *pinned_allocator();
bool is_pinned(const void *p);

// implement adds what concerns memory: making, viewing and copying tensors.
void implement(torch::Library &aten);

// fallback runs any operation on the device by libtorch's CPU kernel, on the same memory.
void fallback(const c10::OperatorHandle &op, torch::jit::Stack *stack);

// add_graphs makes the device one that can record graphs.
void add_graphs();

} // namespace pretend
