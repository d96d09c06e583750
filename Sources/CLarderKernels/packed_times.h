// Event times of a block of 64 rows: a fence, and packed differences from it. Not part of the
// interface.
#ifndef LARDER_PACKED_TIMES_H
#define LARDER_PACKED_TIMES_H

#include "packed_values.h"
#include "words.h"

// The packed numbers of a block: one base, one width.
typedef struct {
  const uint8_t *start;
  // An event time is `zero` + the packed number * `scale`, modulo 2^64: a block may span more than
  // half of all there is.
  uint64_t zero;
  uint64_t scale;
  uint32_t first;
  uint32_t width;
  uint64_t mask;
} packed_block;

// Whether a row's vector is of a kind that the kernels do not read.
LARDER_INLINE int is_unread(const larder_times *times, uint32_t row) {
  return (times->headers[row >> 10].kind & (RUNS_OR_DELTAS | PATCHED)) != 0;
}

// Where the packed numbers of a row's block start, without its frame's own base.
LARDER_INLINE packed_block block_of(const larder_times *times, uint32_t row) {
  const larder_vector header = times->headers[row >> 10];
  packed_block block;
  block.start = times->body + ((size_t)header.offset << 3);
  block.zero = (uint64_t)header.base;
  block.scale = 1;
  block.first = row & ~(uint32_t)1023;
  block.width = header.width;
  block.mask = mask_of(header.width);
  if (header.kind & FRAMES) {
    uint32_t base_bytes = frame_base_bytes(header.kind);
    block.start += (size_t)((row & 1023) >> 6) * (header.width * 8u + base_bytes) + base_bytes;
    block.first = row & ~(uint32_t)63;
  }
  return block;
}

// The block with all that makes its event times.
LARDER_INLINE packed_block times_of(const larder_times *times, uint32_t row, int64_t fence) {
  packed_block block = block_of(times, row);
  uint8_t kind = times->headers[row >> 10].kind;
  if (kind & FRAMES) {
    uint32_t base_bytes = frame_base_bytes(kind);
    block.zero += load64(block.start - base_bytes) & mask_of(base_bytes * 8);
  }
  block.scale = (uint64_t)times->scales[row >> 16];
  block.zero = block.zero * block.scale + (uint64_t)fence;
  return block;
}

LARDER_INLINE int64_t time_at(const packed_block *block, uint32_t row) {
  uint64_t bit = (uint64_t)(row - block->first) * block->width;
  uint64_t packed = load64(block->start + (bit >> 3)) >> (bit & 7) & block->mask;
  return (int64_t)(block->zero + packed * block->scale);
}

#endif
