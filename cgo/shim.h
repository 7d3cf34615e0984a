// The C face of the few libtorch functions that package torch calls.
//
// Every function returns NULL on success or a message the caller frees, and catches every
// C++ exception. A `tensor` is an owned at::Tensor*; `out` receives a new one.
//
// The functions are in librlkd_torch.so (shim/); the program reaches them by the list in library.c.
#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef void *tensor;
typedef char *err;
typedef void *graph;

// The library. It is built from sources of these checksums: "<this file's> <all files'>".
const char *torch_built_from(void);
// torch_install is to be called first, once. on_engine tells whether a thread may use tensors; range, which may be
// NULL, are addresses for large tensors.
void torch_install(int (*on_engine)(void), void *range, size_t bytes);

// Engine and bookkeeping. The first two are in the program.
void torch_engine(int on);
int torch_on_engine(void);
int64_t torch_live(void);
void torch_free(tensor *ts, int n);
int torch_grad_mode(int on); // returns the previous mode
err torch_set_threads(int n);
int torch_threads(void);
err torch_device_ok(const char *device);
int torch_cuda_version(void); // CUDART_VERSION; 0 without CUDA
int torch_added_device(const char *kind); // whether a library has added that kind of device to libtorch
err torch_synchronize(const char *device);
const char *torch_cpu_capability(void);
const char *torch_version(void);
err torch_empty_cache(void);
err torch_memory(const char *device, int *has, int64_t bytes[3]); // allocated, reserved, most allocated since the last call

// A profile: what each call cost since it was turned on. Lines of "op, libtorch's op within it or nothing, calls, ns",
// with tabs between; the caller frees them.
void torch_profile(int on);
void torch_profile_op(const char *op); // names the call that has just returned
char *torch_profile_read(void);

// Making and reading.
err torch_from_f32(tensor *out, const float *data, const int64_t *dims, int n, int dtype, const char *device);
err torch_from_i64(tensor *out, const int64_t *data, const int64_t *dims, int n, const char *device);
err torch_from_bytes(tensor *out, const void *data, int dtype, const int64_t *dims, int n, int to_dtype, const char *device);
err torch_full(tensor *out, double value, const int64_t *dims, int n, int dtype, const char *device);
err torch_empty(tensor *out, const int64_t *dims, int n, int dtype, const char *device);
err torch_reserve(tensor *out, const int64_t *dims, int n, int dtype); // on the CPU
err torch_arange(tensor *out, int64_t n, const char *device);
err torch_to(tensor *out, tensor a, int dtype, const char *device);
err torch_to_dtype(tensor *out, tensor a, int dtype);
err torch_read_f32(tensor a, float *data, int64_t n);
err torch_host(float **out, tensor a);
err torch_read_i64(tensor a, int64_t *data, int64_t n);
err torch_read_bytes(tensor a, void *data, int64_t n);
err torch_dims(tensor a, int64_t *dims, int *n);
err torch_meta(tensor a, int *dtype, int64_t *numel, char *device, int device_len);
err torch_item(tensor a, double *out);

// Shape.
err torch_reshape(tensor *out, tensor a, const int64_t *dims, int n);
err torch_expand(tensor *out, tensor a, const int64_t *dims, int n);
err torch_transpose(tensor *out, tensor a, int64_t d0, int64_t d1);
err torch_narrow(tensor *out, tensor a, int64_t dim, int64_t start, int64_t len);
err torch_contiguous(tensor *out, tensor a);
err torch_unsqueeze(tensor *out, tensor a, int64_t dim);
err torch_cat(tensor *out, const tensor *ts, int n, int64_t dim);
err torch_index_select(tensor *out, tensor a, int64_t dim, tensor index);
err torch_gather(tensor *out, tensor a, int64_t dim, tensor index);
err torch_clone(tensor *out, tensor a);

// Arithmetic.
err torch_add(tensor *out, tensor a, tensor b);
err torch_sub(tensor *out, tensor a, tensor b);
err torch_mul(tensor *out, tensor a, tensor b);
err torch_div(tensor *out, tensor a, tensor b);
err torch_minimum(tensor *out, tensor a, tensor b);
err torch_add_scalar(tensor *out, tensor a, double s);
err torch_mul_scalar(tensor *out, tensor a, double s);
err torch_neg(tensor *out, tensor a);
err torch_exp(tensor *out, tensor a);
err torch_cos(tensor *out, tensor a);
err torch_sin(tensor *out, tensor a);
err torch_silu(tensor *out, tensor a);
err torch_clamp(tensor *out, tensor a, double lo, double hi);
err torch_sum(tensor *out, tensor a);
err torch_sum_dim(tensor *out, tensor a, int64_t dim, int keep);
err torch_max_dim(tensor *out, tensor a, int64_t dim, int keep);
err torch_argmax(tensor *out, tensor a, int64_t dim);
err torch_logsumexp(tensor *out, tensor a, int64_t dim, int keep);
err torch_softmax(tensor *out, tensor a, int64_t dim);
err torch_topk(tensor *values, tensor *indices, tensor a, int64_t k, int64_t dim);
err torch_lt(tensor *out, tensor a, tensor b);

// What a transformer is made of.
err torch_matmul(tensor *out, tensor a, tensor b);
err torch_linear(tensor *out, tensor x, tensor w, tensor b); // b may be NULL
err torch_embedding(tensor *out, tensor w, tensor ids);
err torch_rms_norm(tensor *out, tensor x, tensor w, double eps);
err torch_rope(tensor *out, tensor x, tensor cos, tensor sin);
err torch_sdpa(tensor *out, tensor q, tensor k, tensor v, tensor mask, int causal, double scale); // mask may be NULL

// Operations made of several (shim_fused.cc).
const char *torch_choose_kernels(const char *name); // "" for the fastest; the name, NULL if this CPU cannot run them
void torch_use_kernels(int on);
int torch_has_kernels(void);
err torch_silu_mul(tensor *out, tensor gate, tensor up);
err torch_silu_mul_linear(tensor *out, tensor gate, tensor up, tensor w, tensor b);
err torch_norm_linears(tensor *out, tensor x, tensor norm, double eps, const tensor *ws, const tensor *bs, int n);
err torch_attend(tensor *out, tensor q, tensor k, tensor v, tensor k_cache, tensor v_cache, tensor positions,
                 int64_t used, double scale);
err torch_kv_cache(tensor *k, tensor *v, int64_t rows, int64_t kv_heads, int64_t width, int64_t d);
err torch_store_kv(tensor k_cache, tensor v_cache, tensor k, tensor v, tensor tokens, tensor rows, tensor positions);
err torch_draw(tensor *out, tensor logits, tensor uniform, double temperature); // uniform may be NULL at temperature 0
err torch_filter(tensor *out, tensor logits, double temperature, int64_t k, double p, double min_p);
err torch_tree_attention(tensor *out, tensor q, tensor k, tensor v, const int64_t *segments, int n, double scale);
err torch_log_softmax_at(tensor *logp, tensor *entropy, tensor *lse, tensor logits, tensor targets, double scale);
err torch_log_softmax_at_backward(tensor *out, tensor logits, tensor targets, tensor lse, tensor dlogp, double scale);
err torch_pack(tensor *out, const tensor *ws, int n);               // *out is NULL when there is no packed form
err torch_packed_linear(tensor *out, tensor x, tensor w, tensor b); // b may be NULL

typedef struct { // of bf16, linear layers packed, their biases in fp32; norms of q and k, and biases, may be NULL
  tensor input_norm, q_norm, k_norm, post_norm;
  tensor qkv, qkv_bias, o, o_bias, gate_up, gate_up_bias, down, down_bias;
  tensor keys, values; // of torch_kv_cache
} decode_layer;
err torch_decode_layer(tensor *out, tensor x, const decode_layer *l, tensor positions, tensor cos, tensor sin,
                       int64_t heads, int64_t kv_heads, double eps, double scale);

// In place.
err torch_copy_(tensor a, tensor src);
err torch_zero_(tensor a);
err torch_add_(tensor a, tensor b, double scale);
err torch_sub_(tensor a, tensor b);
err torch_mul_(tensor a, tensor b);
err torch_exp_(tensor a);
err torch_addmm_(tensor a, tensor x, tensor y); // a += x @ y, which a may gather in a wider dtype
err torch_index_add_(tensor a, int64_t dim, tensor index, tensor src);

// Autograd.
err torch_requires_grad(tensor a, int on);
err torch_backward(tensor a, tensor grad); // grad may be NULL for a scalar
err torch_grad(tensor *out, tensor a);     // *out is NULL when there is none
err torch_set_grad(tensor a, tensor g);    // g may be NULL
err torch_detach(tensor *out, tensor a);
err torch_norm_list(tensor *out, const tensor *ts, int n);
err torch_scale_list(const tensor *ts, int n, tensor factor);

// Weights in two parts (shim_master.cc), without gaps.
err torch_split(tensor half, tensor low, tensor x); // sets bf16 half and int16 low to what fp32 x is made of
err torch_join(tensor *out, tensor half, tensor low);
err torch_adamw(const tensor *params, const tensor *lows, const tensor *grads, const tensor *m, const tensor *v, int n, tensor step,
                double lr, double beta1, double beta2, double eps, double weight_decay); // lows[i] NULL: params[i] is fp32

// Recorded work: new, begin, the work, end; then replay as often as wanted.
int torch_can_capture(const char *device);
err torch_graph_new(graph *out, const char *device); // on a stream beside the current one, until end
err torch_graph_begin(graph g);
err torch_graph_end(graph g); // also of a recording that failed
err torch_graph_replay(graph g);
void torch_graph_free(graph g);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
