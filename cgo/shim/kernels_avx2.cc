// The kernels for CPUs with AVX2 and FMA.
#ifdef __x86_64__
#define ISA avx2
// Between these is what uses its instructions. Functions of libtorch and the C++ library are kept out: the linker
// takes any one of a function's copies, and one with these instructions would fail on other CPUs.
#define ISA_BEGIN                                                        \
  _Pragma("GCC push_options") _Pragma("GCC optimize(\"O3\")")            \
  _Pragma("GCC target(\"avx2,fma\")")
#define ISA_END _Pragma("GCC pop_options")
#include "avx2.hpp"

#include "kernels_all.hpp"
#endif
