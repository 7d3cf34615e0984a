// Work recorded once and done again by one call, through ATen's interface for any accelerator.
#include "shim.hpp"

#include <ATen/DeviceAccelerator.h>
#include <ATen/accelerator/Graph.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

using namespace shim;

// Devices record no work of their default stream: a graph is made on a stream beside it.
struct Recording {
  explicit Recording(c10::Device d) : device(d), guard(c10::impl::getDeviceGuardImpl(d.type())) {
    at::accelerator::synchronizeDevice(device.index());
    was = guard->exchangeStream(guard->getStreamFromGlobalPool(device));
  }
  ~Recording() { guard->exchangeStream(was); }
  c10::Device device;
  const c10::impl::DeviceGuardImplInterface *guard;
  c10::Stream was{c10::Stream::DEFAULT, c10::Device(c10::kCPU)};
};

struct Graph {
  at::accelerator::Graph work;
  std::unique_ptr<Recording> recording; // while it is made
  bool begun = false;
};

static Graph *G(graph g) { return static_cast<Graph *>(g); }

int torch_can_capture(const char *device) {
  c10::Device d{std::string(device)};
  return !d.is_cpu() && at::accelerator::getAccelerator() == d.type() && at::has_graph_impl(d.type());
}

err torch_graph_new(graph *out, const char *device) {
  return guard([&] {
    c10::Device d{std::string(device)};
    if (!d.has_index()) d.set_index(at::accelerator::getDeviceIndex());
    auto g = std::make_unique<Graph>();
    g->recording = std::make_unique<Recording>(d);
    *out = g.release();
  });
}

err torch_graph_begin(graph g) {
  return guard([&] {
    at::accelerator::synchronizeDevice(G(g)->recording->device.index());
    G(g)->work.capture_begin();
    G(g)->begun = true;
  });
}

err torch_graph_end(graph g) {
  return guard([&] {
    auto recording = std::move(G(g)->recording);
    if (std::exchange(G(g)->begun, false)) G(g)->work.capture_end();
  });
}

err torch_graph_replay(graph g) {
  return guard([&] { G(g)->work.replay(); });
}

void torch_graph_free(graph g) { delete G(g); }
