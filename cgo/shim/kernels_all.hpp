// All kernels, for one instruction set.
#include "kernels.hpp"

namespace shim::ISA {
using namespace kernels;
}

#include "kernels_attention.hpp"
#include "kernels_decode.hpp"
#include "kernels_draw.hpp"
#include "kernels_elementwise.hpp"
#include "kernels_head.hpp"
#include "kernels_layer.hpp"
#include "kernels_linear.hpp"
#include "kernels_matmul.hpp"

#define ISA_TEXT(name) #name
#define ISA_NAME(name) ISA_TEXT(name)

namespace shim::ISA {

extern const Kernels table; // in kernels.cc, too
const Kernels table{
    .name = ISA_NAME(ISA),
    .many = worthwhile,
    .half_products = half_products,
    .rms_norm = rms_norm,
    .rms_norm_backward = rms_norm_backward,
    .rope = rope,
    .silu_mul = silu_mul,
    .silu_mul_backward = silu_mul_backward,
    .accumulate = accumulate,
    .split = split,
    .join = join,
    .kv_cache = kv_cache,
    .store_kv = store_kv,
    .attend = attend,
    .decode_layer = decode_layer,
    .tree_attention = tree_attention,
    .tree_attention_backward = tree_attention_backward,
    .log_softmax_at = log_softmax_at,
    .log_softmax_at_backward = log_softmax_at_backward,
    .draw = draw,
    .filter = filter,
    .pack = pack,
    .packed_linear = packed_linear,
    .linear = linear,
    .linear_rows = linear_rows,
    .linear_weights = linear_weights,
    .add_linear_weights = add_linear_weights,
    .turned = turned,
    .turned_rms_norm = turned_rms_norm,
    .turned_silu_mul = turned_silu_mul,
};

} // namespace shim::ISA
