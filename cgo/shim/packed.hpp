// The factors of the product that everything large here is made of: rows of bf16 times packed bf16, sums in fp32.
#pragma once
#include <cstdint>

namespace shim::ISA {

struct bf16 {
  uint16_t bits;
};

// Packed is a matrix [out, in] as blocks of 16 outputs, [out/16][in/2][16][2]: two inputs for each of
// sixteen outputs lie together, which is what the instruction for bf16 takes. in is even. One
// block is after another's first `block` numbers: 16 × in, or more if only the first inputs count.
// Elsewhere blocks are side by side, [in/2][out/16][16][2], with `pair` numbers from one pair of
// inputs to the next.
struct Packed {
  const bf16 *data;
  int64_t in, block, pair = 32;
  Packed from(int64_t b) const { return {data + b * block, in, block, pair}; }
  Packed inputs(int64_t k, int64_t n) const { return {data + k / 2 * pair, n, block, pair}; } // n from k on, both even
};

// Rows are the other factor: the inputs k, k+1 (k even) of row r are at data + r*row + k/2*pair.
struct Rows {
  const bf16 *data;
  int64_t row, pair;
  Rows from(int64_t r) const { return {data + r * row, row, pair}; }
  Rows inputs(int64_t k) const { return {data + k / 2 * pair, row, pair}; } // from k on, even
};

// What sums start from: zero, a value for each output, or what is there.
enum class From { zero, bias, there };

} // namespace shim::ISA
