// The device's memory: the host's, under addresses that the host cannot follow.
#include "device.hpp"

#include <ATen/EmptyTensor.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <map>
#include <mutex>

namespace pretend {

Counters counters;

// An address of the device is the host's with this bit set, where no memory is ever mapped: code
// that reads a tensor of the device as if it were the host's crashes instead of being right.
constexpr uintptr_t elsewhere = uintptr_t{1} << 52;

static void *hide(void *p) { return p ? reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(p) | elsewhere) : nullptr; }
static void *show(void *p) { return reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(p) & ~elsewhere); }

// Memory is accounted for as a caching allocator does it, and can be made scarce.
struct Allocator final : c10::DeviceAllocator {
  // One piece of memory: the host's at p, or that of a tensor.
  struct Piece {
    void *p;
    at::Tensor host;
    size_t bytes;
  };

  static void give_back(void *piece);

  c10::DataPtr hold(Piece piece) {
    {
      std::lock_guard lock(mutex);
      const auto used = bytes.current;
      if (limit > 0 && used + static_cast<int64_t>(piece.bytes) > limit) {
        if (piece.p) c10::free_cpu(piece.p);
        TORCH_CHECK_WITH(OutOfMemoryError, false, "pretend out of memory: tried to allocate ", piece.bytes, " bytes with ", used,
                         " of ", limit, " in use");
      }
      bytes.increase(piece.bytes);
    }
    void *at = piece.host.defined() ? piece.host.storage().mutable_data() : piece.p;
    return {hide(at), new Piece(std::move(piece)), &give_back, device};
  }

  c10::DataPtr allocate(size_t n) override { return hold({c10::alloc_cpu(n), {}, n}); }
  void copy_data(void *to, const void *from, size_t n) const override {
    std::memcpy(show(to), show(const_cast<void *>(from)), n);
  }

  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr &, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override {
    std::lock_guard lock(mutex);
    c10::CachingDeviceAllocator::DeviceStats stats;
    stats.allocated_bytes[0] = stats.reserved_bytes[0] = bytes;
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {
    std::lock_guard lock(mutex);
    bytes.peak = bytes.current;
  }

  std::mutex mutex;
  c10::CachingAllocator::Stat bytes;
  int64_t limit = 0; // 0 for none
};
static Allocator &allocator() {
  static auto *one = new Allocator; // tensors may outlive it at exit
  return *one;
}

void Allocator::give_back(void *p) {
  auto *piece = static_cast<Piece *>(p);
  {
    std::lock_guard lock(allocator().mutex);
    allocator().bytes.decrease(piece->bytes);
  }
  if (piece->p) c10::free_cpu(piece->p);
  delete piece;
}

at::Tensor near(const at::Tensor &t) {
  if (t.device().is_cpu()) return t;
  auto options = at::TensorOptions().dtype(t.scalar_type());
  if (t.numel() == 0) return at::empty(t.sizes(), options);
  return at::from_blob(show(t.data_ptr()), t.sizes(), t.strides(), options);
}

at::Tensor far(const at::Tensor &host) {
  const size_t bytes = host.storage().nbytes();
  c10::Storage storage(c10::Storage::use_byte_size_t{}, bytes, allocator().hold({nullptr, host, bytes}), &allocator(), /*resizable=*/true);
  auto t = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                                    host.dtype());
  t.unsafeGetTensorImpl()->set_sizes_and_strides(host.sizes(), host.strides(), host.storage_offset());
  return t;
}

static at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                        std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &allocator(), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   dtype.value_or(at::kFloat), format);
}

static at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides, std::optional<at::ScalarType> dtype,
                                std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(sizes, strides, &allocator(), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           dtype.value_or(at::kFloat));
}

const at::Tensor &resize_(const at::Tensor &t, at::IntArrayRef sizes, std::optional<at::MemoryFormat>) {
  auto *impl = t.unsafeGetTensorImpl();
  const size_t bytes = at::detail::computeStorageNbytesContiguous(sizes, t.itemsize(), static_cast<size_t>(t.storage_offset()));
  auto *storage = impl->unsafe_storage().unsafeGetStorageImpl();
  if (bytes > storage->nbytes()) {
    auto more = allocator().allocate(bytes);
    if (storage->nbytes() > 0) allocator().copy_data(more.get(), storage->data(), storage->nbytes());
    storage->set_data_ptr_noswap(std::move(more));
    storage->set_nbytes(bytes);
  }
  impl->set_sizes_contiguous(sizes);
  return t;
}

static at::Tensor as_strided(const at::Tensor &t, at::IntArrayRef sizes, at::IntArrayRef strides, std::optional<int64_t> offset) {
  return at::native::as_strided_tensorimpl(t, sizes, strides, offset);
}

static at::Tensor view(const at::Tensor &t, at::IntArrayRef sizes) { return at::native::view(t, sizes); }

// Page-locked memory is the host's as any other; which addresses have it is remembered.
struct Pinned final : c10::Allocator {
  c10::DataPtr allocate(size_t n) override {
    void *p = c10::alloc_cpu(n);
    std::lock_guard lock(mutex);
    ends[p] = static_cast<char *>(p) + n;
    return {p, p, &give_back, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void *to, const void *from, size_t n) const override { std::memcpy(to, from, n); }
  static void give_back(void *p) {
    {
      std::lock_guard lock(mutex);
      ends.erase(p);
    }
    c10::free_cpu(p);
  }
  static inline std::mutex mutex;
  static inline std::map<void *, void *> ends; // of each piece, by its beginning
};

c10::Allocator *pinned_allocator() {
  static Pinned one;
  return &one;
}

bool is_pinned(const void *p) {
  std::lock_guard lock(Pinned::mutex);
  auto after = Pinned::ends.upper_bound(const_cast<void *>(p));
  return after != Pinned::ends.begin() && p < std::prev(after)->second;
}

// What goes over the border is counted. The host waits for a copy from memory that is not
// page-locked, and for each copy to it.
static at::Tensor copy_from(const at::Tensor &from, const at::Tensor &to, bool non_blocking) {
  const bool up = from.device().is_cpu(), down = to.device().is_cpu();
  if (up || down) stops("a copy between device and host");
  if (up) counters.uploads++, counters.uploaded += static_cast<int64_t>(from.nbytes());
  if (down) counters.downloads++, counters.downloaded += static_cast<int64_t>(from.nbytes());
  if (up && !(non_blocking && from.is_pinned() && from.scalar_type() == to.scalar_type())) counters.waits++;
  auto a = near(from), b = near(to);
  b.copy_(a);
  if (recording) {
    recording->kept.insert(recording->kept.end(), {from, to});
    recording->work.emplace_back([a, b] { b.copy_(a); });
  }
  return to;
}

static at::Scalar item(const at::Tensor &t) {
  stops("reading a number");
  counters.downloads++, counters.downloaded += static_cast<int64_t>(t.nbytes());
  return near(t).item();
}

} // namespace pretend

void pretend_limit(int64_t bytes) {
  std::lock_guard lock(pretend::allocator().mutex);
  pretend::allocator().limit = bytes;
}

namespace pretend {

void implement(torch::Library &aten) {
  c10::SetAllocator(device.type(), &allocator());
  aten.impl("empty.memory_format", empty);
  aten.impl("empty_strided", empty_strided);
  aten.impl("resize_", resize_);
  aten.impl("as_strided", as_strided);
  aten.impl("view", view);
  aten.impl("_copy_from", copy_from);
  aten.impl("_local_scalar_dense", item);
}

} // namespace pretend
