// The device's memory: the host's, under addresses that the host cannot follow.
#include "device.hpp"

#include <ATen/EmptyTensor.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/alloc_cpu.h>

namespace pretend {

Counters counters;

// An address of the device is the host's with this bit set, where no memory is ever mapped: code
// that reads a tensor of the device as if it were the host's crashes instead of being right.
constexpr uintptr_t elsewhere = uintptr_t{1} << 52;

static void *hide(void *p) { return p ? reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(p) | elsewhere) : nullptr; }
static void *show(void *p) { return reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(p) & ~elsewhere); }

struct Allocator final : c10::Allocator {
  c10::DataPtr allocate(size_t n) override {
    void *p = c10::alloc_cpu(n);
    return {hide(p), p, &c10::free_cpu, device};
  }
  void copy_data(void *to, const void *from, size_t n) const override {
    std::memcpy(show(to), show(const_cast<void *>(from)), n);
  }
};
static Allocator allocator;

at::Tensor near(const at::Tensor &t) {
  if (t.device().is_cpu()) return t;
  auto options = at::TensorOptions().dtype(t.scalar_type());
  if (t.numel() == 0) return at::empty(t.sizes(), options);
  return at::from_blob(show(t.data_ptr()), t.sizes(), t.strides(), options);
}

at::Tensor far(const at::Tensor &host) {
  auto *keep = new at::Tensor(host);
  c10::DataPtr data(hide(host.storage().mutable_data()), keep, [](void *p) { delete static_cast<at::Tensor *>(p); }, device);
  c10::Storage storage(c10::Storage::use_byte_size_t{}, host.storage().nbytes(), std::move(data), &allocator, /*resizable=*/true);
  auto t = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                                    host.dtype());
  t.unsafeGetTensorImpl()->set_sizes_and_strides(host.sizes(), host.strides(), host.storage_offset());
  return t;
}

static at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                        std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &allocator, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   dtype.value_or(at::kFloat), format);
}

static at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides, std::optional<at::ScalarType> dtype,
                                std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(sizes, strides, &allocator, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           dtype.value_or(at::kFloat));
}

const at::Tensor &resize_(const at::Tensor &t, at::IntArrayRef sizes, std::optional<at::MemoryFormat>) {
  auto *impl = t.unsafeGetTensorImpl();
  const size_t bytes = at::detail::computeStorageNbytesContiguous(sizes, t.itemsize(), static_cast<size_t>(t.storage_offset()));
  auto *storage = impl->unsafe_storage().unsafeGetStorageImpl();
  if (bytes > storage->nbytes()) {
    auto more = allocator.allocate(bytes);
    if (storage->nbytes() > 0) allocator.copy_data(more.get(), storage->data(), storage->nbytes());
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

// What goes over the border is counted.
static at::Tensor copy_from(const at::Tensor &from, const at::Tensor &to, bool) {
  if (from.device().is_cpu()) counters.uploads++, counters.uploaded += static_cast<int64_t>(from.nbytes());
  if (to.device().is_cpu()) counters.downloads++, counters.downloaded += static_cast<int64_t>(from.nbytes());
  near(to).copy_(near(from));
  return to;
}

static at::Scalar item(const at::Tensor &t) {
  counters.downloads++, counters.downloaded += static_cast<int64_t>(t.nbytes());
  return near(t).item();
}

void implement(torch::Library &aten) {
  c10::SetAllocator(device.type(), &allocator);
  aten.impl("empty.memory_format", empty);
  aten.impl("empty_strided", empty_strided);
  aten.impl("resize_", resize_);
  aten.impl("as_strided", as_strided);
  aten.impl("view", view);
  aten.impl("_copy_from", copy_from);
  aten.impl("_local_scalar_dense", item);
}

} // namespace pretend
