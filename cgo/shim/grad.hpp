// The kernels of kernels.hpp that can be differentiated: they record a graph where one is wanted.
#pragma once
#include "kernels.hpp"

namespace shim::grad {

bool recorded(at::TensorList xs); // whether an operation on these has to leave a trace

at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &w, double eps);
at::Tensor rope(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin); // of x alone
at::Tensor silu_mul(const at::Tensor &gate, const at::Tensor &up);

// linear is libtorch's, with products of our own where they are for it; the bias may be undefined.
at::Tensor linear(const at::Tensor &x, const at::Tensor &w, const at::Tensor &b);

// by_float tells whether a product of x is faster by way of fp32, for which there is no kernel: without AVX512
// libtorch multiplies bf16 at a seventh of its speed in fp32.
bool by_float(const at::Tensor &x);

// matmul is libtorch's, or a product of our own where there is one and no graph is recorded.
at::Tensor matmul(const at::Tensor &a, const at::Tensor &b);

// norm_linears are linear layers of the RMSNorm of x, and silu_mul_linear is one of silu(gate) * up;
// biases may be undefined. What the layers read is made again on the way back.
std::vector<at::Tensor> norm_linears(const at::Tensor &x, const at::Tensor &norm, double eps, at::TensorList weights,
                                     at::TensorList biases);
at::Tensor silu_mul_linear(const at::Tensor &gate, const at::Tensor &up, const at::Tensor &w, const at::Tensor &b);

at::Tensor tree_attention(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const kernels::Tree &tree,
                          double scale);

} // namespace shim::grad
