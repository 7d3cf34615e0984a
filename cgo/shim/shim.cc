// Engine, memory, devices, and the way of data in and out.
#include "heap.hpp"
#include "shim.hpp"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/GradMode.h>
#include <torch/headeronly/version.h>

#include <atomic>
#include <malloc.h>
#include <sys/mman.h>

namespace shim {

static int (*on_engine)(void);
static std::atomic<int64_t> live{0};

tensor own(at::Tensor t) {
  auto *p = new at::Tensor(std::move(t));
  live++;
  return p;
}

const char *off_engine() { return on_engine() ? nullptr : "called outside torch.Run, or on another goroutine"; }

static at::ScalarType scalar(int dtype) { return static_cast<at::ScalarType>(dtype); }

static at::TensorOptions options(int dtype, const char *device) {
  return at::TensorOptions().dtype(scalar(dtype)).device(c10::Device(std::string(device)));
}

} // namespace shim

using namespace shim;

void torch_install(int (*asked)(void), void *range, size_t bytes) {
  on_engine = asked;
  if (range) heap::install(range, bytes);
}

int64_t torch_live(void) { return live; }

void torch_free(tensor *ts, int n) {
  Span span("free");
  for (int i = 0; i < n; i++) delete static_cast<at::Tensor *>(ts[i]);
  live -= n;
}

int torch_grad_mode(int on) {
  bool was = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(on != 0);
  return was;
}

err torch_set_threads(int n) { return guard([&] { at::set_num_threads(n); }); }
int torch_threads(void) { return at::get_num_threads(); }

err torch_device_ok(const char *device) {
  return guard([&] {
    auto one = at::ones({1}, options(static_cast<int>(at::kFloat), device)); // by a kernel
    TORCH_CHECK(one.add(one).item<float>() == 2, "1 + 1 is not 2 there");
  });
}

int torch_cuda_version(void) {
  try {
    return static_cast<int>(at::detail::getCUDAHooks().versionCUDART());
  } catch (const std::exception &) {
    return 0; // the hooks are those of libtorch without CUDA
  }
}

int torch_added_device(const char *kind) {
  return c10::is_privateuse1_backend_registered() && c10::get_privateuse1_backend() == kind;
}

err torch_synchronize(const char *device) {
  return guard([&] {
    c10::Device d{std::string(device)};
    if (!d.is_cpu()) at::accelerator::synchronizeDevice(d.index());
  });
}

const char *torch_cpu_capability(void) {
  static const std::string s = at::get_cpu_capability();
  return s.c_str();
}

const char *torch_version(void) { return TORCH_VERSION; }

// The caching allocator of a kind of device, or nullptr if it has none or none yet. Asking
// at::accelerator would make libtorch settle which kind there is.
static c10::DeviceAllocator *caching(c10::DeviceType type) {
  auto *a = dynamic_cast<c10::DeviceAllocator *>(c10::GetAllocator(type));
  return a && a->initialized() ? a : nullptr;
}

err torch_empty_cache(void) {
  return guard([] {
    heap::trim();
    malloc_trim(0);
    for (int i = 1; i < c10::COMPILE_TIME_MAX_DEVICE_TYPES; i++)
      if (auto *a = caching(static_cast<c10::DeviceType>(i))) a->emptyCache();
  });
}

err torch_memory(const char *device, int *has, int64_t bytes[3]) {
  return guard([&] {
    c10::Device d{std::string(device)};
    auto *a = caching(d.type());
    *has = a != nullptr;
    if (!a) return;
    auto index = d.has_index() ? d.index() : c10::DeviceIndex(0);
    auto stats = a->getDeviceStats(index);
    constexpr auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    bytes[0] = stats.allocated_bytes[all].current;
    bytes[1] = stats.reserved_bytes[all].current;
    bytes[2] = stats.allocated_bytes[all].peak;
    a->resetPeakStats(index);
  });
}

// An accelerator reads page-locked memory by itself while the host goes on; that memory is kept for
// reuse. For pieces larger than this, which are weights, it is not locked.
constexpr size_t most_locked = 64 << 20;

// upload is a copy of host of a type and on a device.
static at::Tensor upload(const at::Tensor &host, int dtype, const char *device) {
  auto to = options(dtype, device);
  const auto bytes = static_cast<size_t>(host.numel()) * to.dtype().itemsize();
  if (to.device().is_cpu() || bytes > most_locked) return host.to(to, /*non_blocking=*/false, /*copy=*/true);
  auto locked = at::empty(host.sizes(), to.device(at::kCPU).pinned_memory(true));
  locked.copy_(host);
  return locked.to(to.device(), to.dtype().toScalarType(), /*non_blocking=*/true);
}

err torch_from_f32(tensor *out, const float *data, const int64_t *d, int n, int dtype, const char *device) {
  return guard([&] {
    auto host = at::from_blob(const_cast<float *>(data), dims(d, n), at::kFloat);
    *out = own(upload(host, dtype, device));
  });
}

err torch_from_i64(tensor *out, const int64_t *data, const int64_t *d, int n, const char *device) {
  return guard([&] {
    auto host = at::from_blob(const_cast<int64_t *>(data), dims(d, n), at::kLong);
    *out = own(upload(host, static_cast<int>(at::kLong), device));
  });
}

err torch_from_bytes(tensor *out, const void *data, int dtype, const int64_t *d, int n, int to_dtype, const char *device) {
  return guard([&] {
    auto host = at::from_blob(const_cast<void *>(data), dims(d, n), scalar(dtype));
    *out = own(upload(host, to_dtype, device));
  });
}

err torch_full(tensor *out, double value, const int64_t *d, int n, int dtype, const char *device) {
  return guard([&] { *out = own(at::full(dims(d, n), value, options(dtype, device))); });
}

err torch_empty(tensor *out, const int64_t *d, int n, int dtype, const char *device) {
  return guard([&] { *out = own(at::empty(dims(d, n), options(dtype, device))); });
}

err torch_reserve(tensor *out, const int64_t *d, int n, int dtype) {
  return guard([&] {
    const auto bytes = static_cast<size_t>(c10::multiply_integers(dims(d, n))) * c10::elementSize(scalar(dtype));
    void *got = mmap(nullptr, std::max<size_t>(1, bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TORCH_CHECK_WITH(OutOfMemoryError, got != MAP_FAILED, "no memory for ", bytes, " bytes");
    *out = own(at::from_blob(got, dims(d, n), [bytes](void *p) { munmap(p, std::max<size_t>(1, bytes)); }, scalar(dtype)));
  });
}

err torch_arange(tensor *out, int64_t n, const char *device) {
  return guard([&] { *out = own(at::arange(n, options(static_cast<int>(at::kLong), device))); });
}

err torch_to(tensor *out, tensor a, int dtype, const char *device) {
  return guard([&] { *out = own(T(a).to(options(dtype, device))); });
}

err torch_to_dtype(tensor *out, tensor a, int dtype) {
  return guard([&] { *out = own(T(a).to(scalar(dtype))); });
}

err torch_host(float **out, tensor a) {
  return guard([&] {
    TORCH_CHECK(T(a).is_cpu() && T(a).scalar_type() == at::kFloat && T(a).is_contiguous(),
                "only fp32 on the CPU without gaps can be shared with the host");
    *out = T(a).data_ptr<float>();
  });
}

// The copies below go through a contiguous CPU tensor of the wanted type, so that a read
// of the wrong width cannot happen.
static void read(tensor a, void *data, int64_t n, at::ScalarType type) {
  auto host = T(a).detach().to(at::TensorOptions().dtype(type).device(at::kCPU)).contiguous();
  TORCH_CHECK(host.numel() == n, "the tensor has ", host.numel(), " elements, the buffer ", n);
  std::memcpy(data, host.const_data_ptr(), host.nbytes());
}

err torch_read_f32(tensor a, float *data, int64_t n) {
  return guard([&] { read(a, data, n, at::kFloat); });
}
err torch_read_i64(tensor a, int64_t *data, int64_t n) {
  return guard([&] { read(a, data, n, at::kLong); });
}
err torch_read_bytes(tensor a, void *data, int64_t n) {
  return guard([&] {
    TORCH_CHECK(static_cast<int64_t>(T(a).nbytes()) == n, "the tensor has ", T(a).nbytes(), " bytes, the buffer ", n);
    read(a, data, T(a).numel(), T(a).scalar_type());
  });
}

err torch_dims(tensor a, int64_t *d, int *n) {
  return guard([&] {
    TORCH_CHECK(T(a).dim() <= *n, "more than ", *n, " dimensions");
    *n = static_cast<int>(T(a).dim());
    for (int i = 0; i < *n; i++) d[i] = T(a).size(i);
  });
}

err torch_meta(tensor a, int *dtype, int64_t *numel, char *device, int device_len) {
  return guard([&] {
    *dtype = static_cast<int>(T(a).scalar_type());
    *numel = T(a).numel();
    std::strncpy(device, T(a).device().str().c_str(), static_cast<size_t>(device_len) - 1);
  });
}

err torch_item(tensor a, double *out) {
  return guard([&] { *out = T(a).item().toDouble(); });
}
