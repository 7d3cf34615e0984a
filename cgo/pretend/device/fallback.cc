// Every operation on the device, by libtorch's CPU kernel on the same memory.
#include "device.hpp"

#include <ATen/ops/as_strided_native.h>

#include <set>

namespace pretend {

// Call is one operation whose tensors are exchanged for ones of the CPU, and back.
struct Call {
  explicit Call(const c10::OperatorHandle &op) : name(op.schema().name()) {}

  std::string name;
  std::vector<std::pair<at::Tensor, at::Tensor>> seen; // of the device, and the same of the CPU

  at::Tensor in(const at::Tensor &t) {
    if (!t.defined()) return t;
    if (t.device().is_cpu()) {
      TORCH_CHECK(t.unsafeGetTensorImpl()->is_wrapped_number(), "Expected all tensors to be on the same device, but ", name,
                  " got one on ", device, " and one on the CPU");
      return t;
    }
    seen.emplace_back(t, near(t));
    return seen.back().second;
  }

  // What was written to or is a view of an operand is that operand or its view; the rest is new.
  at::Tensor out(const at::Tensor &t) {
    if (!t.defined()) return t;
    for (const auto &[there, here] : seen) {
      if (t.is_same(here)) return there;
      if (t.is_alias_of(here))
        return at::native::as_strided_tensorimpl(there, t.sizes(), t.strides(), there.storage_offset() + t.storage_offset());
    }
    return far(t);
  }

  // An empty tensor that the operation has given a size is filled.
  void settle() {
    for (auto &[there, here] : seen) {
      if (there.sizes() == here.sizes()) continue;
      TORCH_CHECK(there.numel() == 0, name, " resized a tensor on ", device);
      auto sized = near(resize_(there, here.sizes(), std::nullopt));
      sized.copy_(here);
      if (recording) recording->work.emplace_back([sized, from = here] { sized.copy_(from); });
    }
  }

  // What was done is done again on the same memory; what is new goes where it went.
  void record(const c10::OperatorHandle &op, torch::jit::Stack in, const torch::jit::Stack &stack, size_t first) {
    for (auto &[there, here] : seen) recording->kept.push_back(there);
    recording->work.emplace_back([op, in = std::move(in), out = torch::jit::Stack(stack.begin() + static_cast<long>(first), stack.end())] {
      auto again = in;
      op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), &again);
      for (size_t i = 0; i < out.size(); i++) {
        auto to = tensors(out[i]), from = tensors(again[i]);
        for (size_t j = 0; j < to.size(); j++)
          if (to[j].defined() && !to[j].is_alias_of(from[j])) to[j].copy_(from[j]);
      }
    });
  }

  static std::vector<at::Tensor> tensors(const c10::IValue &v) {
    if (v.isTensor()) return {v.toTensor()};
    return v.isTensorList() ? v.toTensorVector() : std::vector<at::Tensor>{};
  }

  template <class F> void exchange(c10::IValue &v, F f) {
    if (v.isTensor()) {
      v = f(v.toTensor());
    } else if (v.isTensorList()) {
      std::vector<at::Tensor> all = v.toTensorVector();
      for (auto &t : all) t = f(t);
      v = c10::IValue(std::move(all));
    } else if (v.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> all;
      for (const std::optional<at::Tensor> &t : v.toOptionalTensorList()) all.push_back(t ? std::optional(f(*t)) : t);
      v = c10::IValue(std::move(all));
    } else if (v.isDevice()) {
      v = c10::Device(c10::kCPU);
    }
  }
};

// A device would have to stop and tell the host how large the result of these is, or what it is.
static const std::set<std::string> tells{"aten::nonzero", "aten::masked_select", "aten::equal", "aten::_unique2", "aten::is_nonzero"};

void fallback(const c10::OperatorHandle &op, torch::jit::Stack *stack) {
  Call call(op);
  counters.ops++;
  if (tells.count(call.name)) stops(call.name.c_str()), counters.downloads++;
  const size_t first = stack->size() - op.schema().arguments().size();
  for (size_t i = first; i < stack->size(); i++) call.exchange((*stack)[i], [&](const at::Tensor &t) { return call.in(t); });
  torch::jit::Stack in;
  if (recording) in.assign(stack->begin() + static_cast<long>(first), stack->end());
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  if (recording) call.record(op, std::move(in), *stack, first);
  call.settle();
  for (size_t i = first; i < stack->size(); i++) call.exchange((*stack)[i], [&](const at::Tensor &t) { return call.out(t); });
}

} // namespace pretend
