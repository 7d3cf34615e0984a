// Kernels of our own for x86 CPUs: work that would be many small operations of libtorch, or that it does
// slowly. Each has a libtorch expression beside it in shim_fused.cc, for every other device, and to be
// compared with. None records a graph; shim_grad.cc does. They are written once (kernels_*.hpp), in terms of
// avx512.hpp or avx2.hpp, and compiled with each.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <tuple>
#include <vector>

namespace shim::kernels {

// usable tells whether the kernels may be used on x: on this CPU, of fp32 or bf16, rows a
// multiple of 16 long and without gaps in them; usable_half asks for bf16.
bool usable(const at::Tensor &x);
bool usable_half(const at::Tensor &x);
void enable(bool on);
bool enabled();

// packable tells whether w [out, in] has a packed form, [out/16, in/2, 16, 2].
bool packable(const at::Tensor &w);

// many tells whether x [n, in] or dy [n, out] and w [out, in] are for Kernels::linear and its gradients.
bool many(const at::Tensor &x, const at::Tensor &w);

// Linear are packed weights and their bias in fp32, which may be undefined.
struct Linear {
  at::Tensor weight, bias;
};

// Layer is a transformer block for decoding in bf16; q_norm and k_norm may be undefined.
struct Layer {
  at::Tensor input_norm, q_norm, k_norm, post_norm;
  Linear qkv, o, gate_up, down;
  at::Tensor keys, values; // of kv_cache
};

// Step is what a step of decoding is about: its positions [n], their cosines and sines [n, 1, d].
struct Step {
  at::Tensor positions, cos, sin;
  int64_t heads, kv;
  double eps, scale;
};

// A Segment is a run of packed tokens that sees its parent, the parent's parent and so on whole,
// and itself causally. Parents come before their children; -1 is none.
struct Segment {
  int64_t start, length, parent;
};
using Tree = std::vector<Segment>;

// tree reads n segments, three numbers each.
inline Tree tree(const int64_t *flat, int64_t n) {
  Tree t;
  for (int64_t i = 0; i < n; i++) t.push_back({flat[3 * i], flat[3 * i + 1], flat[3 * i + 2]});
  return t;
}

using Two = std::tuple<at::Tensor, at::Tensor>;
using Three = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

constexpr int64_t never = INT64_MAX;

// Kernels are those of one instruction set.
struct Kernels {
  const char *name;
  int64_t many;       // so many rows are worth packing a linear layer's weights for, or `never`
  bool half_products; // libtorch multiplies bf16 no slower than fp32

  // Elementwise work is for bf16 alone. x, gate and up may have gaps between rows.
  at::Tensor (*rms_norm)(const at::Tensor &x, const at::Tensor &w, double eps);
  Two (*rms_norm_backward)(const at::Tensor &x, const at::Tensor &w, const at::Tensor &dy, double eps);
  at::Tensor (*rope)(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin, double sign); // -1 turns back
  at::Tensor (*silu_mul)(const at::Tensor &gate, const at::Tensor &up);
  Two (*silu_mul_backward)(const at::Tensor &gate, const at::Tensor &up, const at::Tensor &dy);

  // accumulate adds x in bf16 to sum in fp32, without gaps both, a multiple of 16 elements.
  void (*accumulate)(const at::Tensor &sum, const at::Tensor &x);

  // split parts fp32 x into bf16 half and int16 low, and join makes x of them again; without gaps all.
  void (*split)(const at::Tensor &x, const at::Tensor &half, const at::Tensor &low);
  void (*join)(const at::Tensor &half, const at::Tensor &low, const at::Tensor &x);

  // kv_cache makes caches of zeros for keys and values in bf16, as Past in decode.hpp has them. store_kv
  // puts number tokens[i] of k and v [P, kvHeads, d] to row rows[i] of such, at position positions[i].
  Two (*kv_cache)(int64_t rows, int64_t kv, int64_t width, int64_t d);
  void (*store_kv)(const at::Tensor &kc, const at::Tensor &vc, const at::Tensor &k, const at::Tensor &v,
                   const at::Tensor &tokens, const at::Tensor &rows, const at::Tensor &positions);

  // attend puts k and v [n, kvHeads, d] to the caches at the positions given, and is the attention of
  // q [n, heads, d] to all positions up to those. In fp32 caches are [rows, kvHeads, width, d].
  at::Tensor (*attend)(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &kc,
                       const at::Tensor &vc, const at::Tensor &positions, double scale);

  // decode_layer makes of x [n, hidden] what the layer makes of it, as the operations above do one by
  // one, to the bit.
  at::Tensor (*decode_layer)(const at::Tensor &x, const Layer &layer, const Step &step);

  // tree_attention is attention of bf16 q [n, heads, d] to k and v [n, kvHeads, d], and the
  // log of the sum of each row's exponentials, [n, heads] fp32. Rows of no segment are zero.
  Two (*tree_attention)(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const Tree &tree, double scale);
  Three (*tree_attention_backward)(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &out,
                                   const at::Tensor &lse, const at::Tensor &dout, const Tree &tree, double scale);

  // log_softmax_at is, of softmax(scale * x) for bf16 x [n, vocab], the log-probability of each
  // row's target, the entropy, and the log of the sum of exponentials, each [n] fp32. Its backward
  // overwrites x with the gradient for that of the log-probabilities, dlogp [n].
  Three (*log_softmax_at)(const at::Tensor &x, const at::Tensor &targets, double scale);
  void (*log_softmax_at_backward)(const at::Tensor &x, const at::Tensor &targets, const at::Tensor &lse,
                                  const at::Tensor &dlogp, double scale);

  // draw samples one index per row of logits [n, vocab]; at temperature 0 the first of the largest.
  at::Tensor (*draw)(const at::Tensor &logits, const at::Tensor &uniform, double temperature);

  // filter is logits [n, vocab] over the temperature, in fp32, with minus infinity where top-k (0 for none), top-p
  // (1) and min-p (0) drop one.
  at::Tensor (*filter)(const at::Tensor &logits, double temperature, int64_t k, double p, double min_p);

  at::Tensor (*pack)(at::TensorList ws); // one under the other
  at::Tensor (*packed_linear)(const at::Tensor &x, const at::Tensor &w, const at::Tensor &bias);

  // A linear layer in bf16 whose weights are not packed yet. linear is x wᵀ + bias, which may be undefined.
  // linear_rows is dy w, the gradient of x, added to sum if that is defined. linear_weights is dyᵀ x, the
  // gradient of w, of x turned: [in/16, n/2, 16, 2], n rounded up to an even number; add_linear_weights adds
  // it to sum in fp32, without gaps. x, dy, gate and up may have gaps between rows.
  at::Tensor (*linear)(const at::Tensor &x, const at::Tensor &w, const at::Tensor &bias);
  at::Tensor (*linear_rows)(const at::Tensor &dy, const at::Tensor &w, const at::Tensor &sum);
  at::Tensor (*linear_weights)(const at::Tensor &dy, const at::Tensor &x);
  void (*add_linear_weights)(const at::Tensor &sum, const at::Tensor &dy, const at::Tensor &x);
  at::Tensor (*turned)(const at::Tensor &x);
  at::Tensor (*turned_rms_norm)(const at::Tensor &x, const at::Tensor &w, double eps); // turned(rms_norm(…))
  at::Tensor (*turned_silu_mul)(const at::Tensor &gate, const at::Tensor &up);
};

// choose makes `name` the kernels to be used, "" the fastest that this CPU has instructions for. It tells
// whether there are any.
bool choose(const char *name);

// here are the kernels in use; only where something is usable, packable or many.
const Kernels &here();

} // namespace shim::kernels
