// The pretend device: what libtorch asks any device for, and its registration.
#include "device.hpp"

#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

namespace pretend {

thread_local c10::StreamId stream = 0;

// One device, on which everything is done when the call returns, so that streams differ in their
// number alone. The no-op guard would do, but for its device, -1, which autograd does not know.
struct Guard final : c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::PrivateUse1> {
  static c10::Stream of(c10::StreamId id) { return c10::Stream(c10::Stream::UNSAFE, device, id); }
  c10::Device exchangeDevice(c10::Device) const override { return device; }
  c10::Device getDevice() const override { return device; }
  c10::Stream getStream(c10::Device) const noexcept override { return of(stream); }
  c10::Stream getNewStream(c10::Device, int) const override { return of(1); }
  c10::Stream getStreamFromGlobalPool(c10::Device, bool) const override { return of(1); }
  c10::Stream exchangeStream(c10::Stream s) const noexcept override { return of(std::exchange(stream, s.id())); }
  void record(void **, const c10::Stream &, const c10::DeviceIndex, const c10::EventFlag) const override {}
  void block(void *, const c10::Stream &) const override {}
  bool queryEvent(void *) const override { return true; }
  void synchronizeDevice(const c10::DeviceIndex) const override {}
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  c10::Allocator *getPinnedMemoryAllocator() const override { return pinned_allocator(); }
  bool isPinnedPtr(const void *p) const override { return is_pinned(p); }
};

} // namespace pretend

using namespace pretend;

void pretend_register(const char *name) {
  c10::register_privateuse1_backend(name);
  static c10::impl::DeviceGuardImplRegistrar guard(device.type(), new Guard);
  at::RegisterPrivateUse1HooksInterface(new Hooks);
  static auto any = MAKE_TORCH_LIBRARY_IMPL(_, PrivateUse1);
  any.fallback(torch::CppFunction::makeFromBoxedFunction<&fallback>());
  static auto aten = MAKE_TORCH_LIBRARY_IMPL(aten, PrivateUse1);
  implement(aten);
  add_graphs();
}

void pretend_read(pretend_counts *out) {
  *out = {counters.ops, counters.uploads, counters.uploaded, counters.waits, counters.downloads, counters.downloaded, counters.replays};
}
