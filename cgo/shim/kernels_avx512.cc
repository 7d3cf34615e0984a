// The kernels for CPUs with AVX512-BF16.
#ifdef __x86_64__
#define ISA avx512
// Between these is what uses its instructions. Functions of libtorch and the C++ library are kept out: the linker
// takes any one of a function's copies, and one with these instructions would fail on other CPUs.
#define ISA_BEGIN                                                        \
  _Pragma("GCC push_options") _Pragma("GCC optimize(\"O3\")")            \
  _Pragma("GCC target(\"avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16\")")
#define ISA_END _Pragma("GCC pop_options")
#include "avx512.hpp"

#include "kernels_all.hpp"
#endif
