// A heap for large tensors. They come and go by the gigabyte at every step: glibc would map and unmap
// each, and the page faults cost more than the arithmetic; kept on its own heap, beside small ones, they
// leave holes that the next step's do not fit into. Here they lie in one range of addresses, each in the
// lowest hole that is large enough: what is made and let go of in the order of a stack, as passes forward
// and back do, leaves few. The range only grows, and its pages stay until trim.
#include "heap.hpp"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <c10/util/Exception.h>

#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <unordered_map>

namespace shim::heap {

static const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
constexpr size_t large = size_t(1) << 17;   // from here on a tensor is taken from this heap
constexpr size_t growth = size_t(1) << 26;  // the range becomes usable by this much at a time

class Heap final : public c10::Allocator {
  std::mutex mutex;
  char *base, *top, *usable;      // [base, top) was given out at some time, [base, usable) can be
  size_t reserved;                // addresses from base on
  std::map<char *, size_t> holes; // below top: no two touch
  std::unordered_map<void *, size_t> used;

  static void release(void *p);

  void *take(size_t bytes) {
    bytes = (bytes + page - 1) / page * page;
    const std::lock_guard lock(mutex);
    for (auto hole = holes.begin(); hole != holes.end(); ++hole) {
      auto [at, size] = *hole;
      if (size < bytes) continue;
      holes.erase(hole);
      if (size > bytes) holes.emplace(at + bytes, size - bytes);
      used.emplace(at, bytes);
      return at;
    }
    char *at = top;
    if (auto last = holes.empty() ? holes.end() : std::prev(holes.end()); last != holes.end() && last->first + last->second == top)
      at = last->first;
    grow(at, bytes);
    if (at != top) holes.erase(at);
    top = at + bytes;
    used.emplace(at, bytes);
    return at;
  }

  // grow makes [at, at + bytes) usable.
  void grow(char *at, size_t bytes) {
    const auto room = static_cast<size_t>(base + reserved - at);
    TORCH_CHECK_WITH(OutOfMemoryError, bytes <= room, "out of memory: no addresses for a tensor of ", bytes, " bytes");
    if (at + bytes <= usable) return;
    const size_t more = std::min((static_cast<size_t>(at + bytes - usable) + growth - 1) / growth * growth,
                                 static_cast<size_t>(base + reserved - usable));
    TORCH_CHECK_WITH(OutOfMemoryError, mprotect(usable, more, PROT_READ | PROT_WRITE) == 0,
                     "out of memory: the system refuses a tensor of ", bytes, " bytes");
    usable += more;
  }

  void give(void *p) {
    const std::lock_guard lock(mutex);
    auto block = used.find(p);
    auto *at = static_cast<char *>(p);
    size_t size = block->second;
    used.erase(block);
    auto next = holes.lower_bound(at);
    if (next != holes.end() && at + size == next->first) size += next->second, next = holes.erase(next);
    if (next != holes.begin())
      if (auto before = std::prev(next); before->first + before->second == at) {
        before->second += size;
        return;
      }
    holes.emplace_hint(next, at, size);
  }

public:
  Heap(void *range, size_t bytes) : base(static_cast<char *>(range)), top(base), usable(base), reserved(bytes) {}

  c10::DataPtr allocate(size_t bytes) override {
    void *p = bytes < large ? c10::alloc_cpu(bytes) : take(bytes);
    return {p, p, release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return release; }
  void copy_data(void *to, const void *from, size_t bytes) const override { default_copy_data(to, from, bytes); }

  bool holds(const void *p) const { return p >= base && p < base + reserved; }

  void trim() {
    const std::lock_guard lock(mutex);
    for (auto [at, size] : holes) madvise(at, size, MADV_DONTNEED);
  }
};

static Heap *heap; // never destroyed: tensors outlive everything

void Heap::release(void *p) { heap->holds(p) ? heap->give(p) : c10::free_cpu(p); }

void install(void *range, size_t bytes) {
  heap = new Heap(range, bytes);
  c10::SetCPUAllocator(heap, /*priority=*/1);
}

void trim() {
  if (heap) heap->trim();
}

} // namespace shim::heap
