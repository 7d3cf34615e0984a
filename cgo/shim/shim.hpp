// What the shim's translation units share: handles, and the guard around every call.
#pragma once
#include "shim.h"

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstring>

namespace shim {

tensor own(at::Tensor t);
const char *off_engine(); // the complaint when this thread is not the engine, else nullptr

inline const at::Tensor &T(tensor t) { return *static_cast<at::Tensor *>(t); }

// In-place operations write through a const handle: an at::Tensor is itself a reference.
inline at::Tensor &M(tensor t) { return *static_cast<at::Tensor *>(t); }

inline at::IntArrayRef dims(const int64_t *d, int n) { return at::IntArrayRef(d, static_cast<size_t>(n)); }

inline std::vector<at::Tensor> list(const tensor *ts, int n) {
  std::vector<at::Tensor> v;
  v.reserve(static_cast<size_t>(n));
  for (int i = 0; i < n; i++) v.push_back(T(ts[i]));
  return v;
}

extern bool profiling;
void spent(const char *name, int64_t ns); // without a name it is part of the call that torch_profile_op names next

inline int64_t ticks() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Span adds the time of its life to the profile, if one is being made.
class Span {
  const char *name;
  int64_t began;

public:
  explicit Span(const char *name = nullptr) : name(name), began(profiling ? ticks() : 0) {}
  ~Span() {
    if (began) spent(name, ticks() - began);
  }
};

template <class F> err guard(F f) {
  if (const char *why = off_engine()) return strdup(why);
  Span span;
  try {
    f();
    return nullptr;
  } catch (const c10::Error &e) {
    return strdup(e.what_without_backtrace());
  } catch (const std::exception &e) {
    return strdup(e.what());
  } catch (...) {
    return strdup("unknown C++ exception");
  }
}

} // namespace shim
