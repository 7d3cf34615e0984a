// What operations cost, added up while a profile is made.
#include "shim.hpp"

#include <ATen/record_function.h>

#include <map>
#include <mutex>
#include <string>

namespace shim {

bool profiling = false;

namespace {

struct Cost {
  int64_t calls = 0, ns = 0;
  void add(int64_t t) { calls++, ns += t; }
};

// Device threads of the autograd engine run operations too.
std::mutex mutex;
std::map<std::string, Cost> whole;                          // by operation of the binding
std::map<std::pair<std::string, std::string>, Cost> inside; // and by libtorch's within it
std::map<std::string, Cost> pending;                        // within the call that has not been named yet
int64_t pending_ns = 0;
at::CallbackHandle handle;

// An operation of libtorch that runs. Its own time is what is not another's within it.
struct Running : at::ObserverContext {
  Running *parent;
  int64_t began = ticks(), children = 0;
  static thread_local Running *top;
  Running() : parent(top) { top = this; }
};
thread_local Running *Running::top = nullptr;

std::unique_ptr<at::ObserverContext> start(const at::RecordFunction &) { return std::make_unique<Running>(); }

void end(const at::RecordFunction &fn, at::ObserverContext *context) {
  auto *r = static_cast<Running *>(context);
  int64_t took = ticks() - r->began;
  Running::top = r->parent;
  if (r->parent) r->parent->children += took;
  std::lock_guard<std::mutex> lock(mutex);
  pending[fn.name()].add(took - r->children);
}

} // namespace

void spent(const char *name, int64_t ns) {
  std::lock_guard<std::mutex> lock(mutex);
  if (name)
    whole[name].add(ns);
  else
    pending_ns += ns;
}

} // namespace shim

using namespace shim;

void torch_profile(int on) {
  if (profiling == (on != 0)) return;
  if (on) {
    whole.clear(), inside.clear(), pending.clear(), pending_ns = 0;
    handle = at::addGlobalCallback(at::RecordFunctionCallback(start, end).scopes({at::RecordScope::FUNCTION}));
  } else {
    at::removeCallback(handle);
  }
  profiling = on != 0;
}

void torch_profile_op(const char *op) {
  std::lock_guard<std::mutex> lock(mutex);
  whole[op].add(pending_ns);
  for (auto &[name, cost] : pending) {
    auto &sum = inside[{op, name}];
    sum.calls += cost.calls, sum.ns += cost.ns;
  }
  pending.clear(), pending_ns = 0;
}

char *torch_profile_read(void) {
  std::string lines;
  auto line = [&](const std::string &op, const std::string &within, const Cost &c) {
    lines += op + '\t' + within + '\t' + std::to_string(c.calls) + '\t' + std::to_string(c.ns) + '\n';
  };
  for (auto &[op, cost] : whole) line(op, "", cost);
  for (auto &[key, cost] : inside) line(key.first, key.second, cost);
  return strdup(lines.c_str());
}
