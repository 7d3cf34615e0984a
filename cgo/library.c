// The way into librlkd_torch.so, which the program opens when it runs and is not linked to: each function of
// shim.h is a jump through a pointer, which library_open sets. It works for every signature and costs what a
// call of a shared library does. A function that is missing in the list does not link.
#define _GNU_SOURCE
#include "shim.h"

#include <dlfcn.h>
#include <string.h>

#define FUNCTIONS \
  F(built_from) F(install) F(live) F(free) F(grad_mode) F(set_threads) F(threads) F(device_ok) F(cuda_version) \
  F(added_device) F(synchronize) F(cpu_capability) F(version) F(empty_cache) F(memory) F(profile) F(profile_op) \
  F(profile_read) F(from_f32) F(from_i64) F(from_bytes) F(full) F(empty) F(reserve) F(arange) F(to) F(to_dtype) \
  F(read_f32) F(host) F(read_i64) F(read_bytes) F(dims) F(meta) F(item) F(reshape) F(expand) F(transpose) \
  F(narrow) F(contiguous) F(unsqueeze) F(cat) F(index_select) F(gather) F(clone) F(add) F(sub) F(mul) F(div) \
  F(minimum) F(add_scalar) F(mul_scalar) F(neg) F(exp) F(cos) F(sin) F(silu) F(clamp) F(sum) F(sum_dim) F(max_dim) \
  F(argmax) F(logsumexp) F(softmax) F(topk) F(lt) F(matmul) F(linear) F(embedding) F(rms_norm) F(rope) F(sdpa) \
  F(choose_kernels) F(use_kernels) F(has_kernels) F(silu_mul) F(silu_mul_linear) F(norm_linears) F(attend) F(kv_cache) \
  F(store_kv) F(draw) F(filter) F(tree_attention) \
  F(log_softmax_at) F(log_softmax_at_backward) F(pack) F(packed_linear) F(decode_layer) F(copy_) F(zero_) F(add_) \
  F(sub_) F(mul_) F(exp_) F(addmm_) F(index_add_) F(requires_grad) F(backward) F(grad) F(set_grad) F(detach) \
  F(norm_list) F(scale_list) F(split) F(join) F(adamw) F(can_capture) F(graph_new) F(graph_begin) F(graph_end) \
  F(graph_replay) F(graph_free)

#if defined(__x86_64__)
#define JUMP(pointer) "jmp *" pointer "(%rip)"
#elif defined(__aarch64__)
#define JUMP(pointer) "adrp x16, " pointer "\n ldr x16, [x16, :lo12:" pointer "]\n br x16"
#endif

#define F(name)                                                        \
  __attribute__((visibility("hidden"))) void *at_torch_##name;         \
  __asm__(".pushsection .text\n.p2align 4\n"                           \
          ".globl torch_" #name "\n.hidden torch_" #name "\n"          \
          ".type torch_" #name ", @function\n"                         \
          "torch_" #name ": " JUMP("at_torch_" #name) "\n.popsection");
FUNCTIONS
#undef F

static const struct {
  const char *name;
  void **at;
} functions[] = {
#define F(name) {"torch_" #name, &at_torch_##name},
    FUNCTIONS
#undef F
};

// The engine's thread is known before the library is there.
static _Thread_local int engine;
void torch_engine(int on) { engine = on; }
int torch_on_engine(void) { return engine; }

// library_open returns NULL, and the library's path, or what the dynamic loader said, which the caller frees.
// RTLD_LAZY: libtorch has far more functions than are called. RTLD_GLOBAL: libraries opened later share its types.
err library_open(const char *name, const char **path) {
  void *handle = dlopen(name, RTLD_LAZY | RTLD_GLOBAL);
  if (!handle) return strdup(dlerror());
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (!(*functions[i].at = dlsym(handle, functions[i].name))) return strdup(dlerror());
  Dl_info info;
  *path = dladdr(at_torch_built_from, &info) ? info.dli_fname : name;
  return NULL;
}
