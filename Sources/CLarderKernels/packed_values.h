// How a segment's column says where its values are: numbers of Sources/LarderEncodings/FORMAT.md
// that the kernels of the join read. Not part of the interface.
#ifndef LARDER_PACKED_VALUES_H
#define LARDER_PACKED_VALUES_H

#include "larder_join.h"

// Modes of validity.
enum { ALL_VALID = 0, ALL_NULL = 1, BITMAP = 2, SPARSE = 3 };

// Bits of a vector's kind. Runs and deltas are left to the encodings' own reader.
enum { FRAMES = 1, RUNS_OR_DELTAS = 2, PATCHED = 4, DECIMAL = 64, SINGLE = 128 };

// The bytes of a frame's base.
static inline uint32_t frame_base_bytes(uint8_t kind) { return (uint32_t)1 << (kind >> 4 & 3); }

// Whether a row has a value.
static inline uint64_t is_valid(const larder_column *column, uint32_t row) {
  return column->valid[row >> 6] >> (row & 63) & 1;
}

// How many rows before one have a value.
static inline uint32_t rank_of(const larder_column *column, uint32_t row) {
  uint32_t word = (row >> 9) * 8, last = row >> 6;
  uint32_t rank = column->ranks[row >> 9];
  for (; word < last; word++) rank += (uint32_t)__builtin_popcountll(column->valid[word]);
  uint64_t below = ((uint64_t)1 << (row & 63)) - 1;
  return rank + (uint32_t)__builtin_popcountll(column->valid[last] & below);
}

#endif
