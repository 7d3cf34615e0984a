// Stands for a device's caching allocator in tests, with numbers that are set.
#include <c10/core/CachingDeviceAllocator.h>

namespace {

constexpr auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);

struct Fake : c10::DeviceAllocator {
  c10::CachingDeviceAllocator::DeviceStats stats;
  bool ready = false;
  int emptied = 0;

  c10::DataPtr allocate(size_t) override { TORCH_CHECK(false, "out of memory"); }
  void copy_data(void *, const void *, size_t) const override {}
  bool initialized() override { return ready; }
  void emptyCache(c10::MempoolId_t) override {
    emptied++;
    stats.reserved_bytes[all].current = stats.allocated_bytes[all].current;
  }
  void recordStream(const c10::DataPtr &, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex device) override {
    TORCH_CHECK(device == 0, "there is no device ", static_cast<int>(device));
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override { stats.allocated_bytes[all].peak = stats.allocated_bytes[all].current; }
} fake;

} // namespace

extern "C" void fake_register(void) { c10::SetAllocator(c10::DeviceType::XPU, &fake); }

extern "C" void fake_set(int64_t allocated, int64_t reserved, int64_t peak) {
  fake.ready = true;
  fake.stats.allocated_bytes[all].current = allocated;
  fake.stats.allocated_bytes[all].peak = peak;
  fake.stats.reserved_bytes[all].current = reserved;
}

extern "C" int fake_emptied(void) { return fake.emptied; }
