// Graphs of the device's work, held to what CUDA asks of one: it is recorded on a stream that is not
// the default one, makes the device wait for nothing, and reads and writes the memory it did.
#include "device.hpp"

#include <ATen/core/GraphImplInterface.h>

namespace pretend {

thread_local Recorded *recording = nullptr;

void stops(const char *what) {
  TORCH_CHECK(!recording, "operation not permitted when stream is capturing: ", what);
}

struct GraphImpl final : at::GraphImplInterface {
  explicit GraphImpl(const at::GraphImplArgs &) {}
  ~GraphImpl() override {
    if (recording == &recorded) recording = nullptr;
  }
  void capture_begin(at::MempoolId_t, at::GraphCaptureMode) override {
    TORCH_CHECK(stream != 0, "graphs must be captured on a non-default stream");
    TORCH_CHECK(!recording && recorded.work.empty(), "a graph is captured already");
    recording = &recorded;
  }
  void capture_end() override {
    TORCH_CHECK(recording == &recorded, "this graph is not being captured");
    recording = nullptr;
    whole = true;
  }
  void instantiate() override {}
  void replay() override {
    TORCH_CHECK(whole, "the graph was not captured");
    counters.replays++;
    for (const auto &again : recorded.work) again();
  }
  void reset() override { recorded = {}, whole = false; }
  at::MempoolId_t pool() const override { return {0, 1}; }
  void enable_debug_mode() override {}
  void debug_dump(const std::string &) override {}

  Recorded recorded;
  bool whole = false;
};

void add_graphs() {
  at::GraphImplRegistry()->Register(
      c10::DeviceTypeName(device.type(), /*lower_case=*/false),
      [](const at::GraphImplArgs &args) -> std::unique_ptr<at::GraphImplInterface> { return std::make_unique<GraphImpl>(args); });
}

} // namespace pretend
