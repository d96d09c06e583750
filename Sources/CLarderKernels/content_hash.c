#include "CLarderKernels.h"

#include "words.h"

// The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
static inline uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

LARDER_WIDE_CLONES
void larder_content_hash(const int64_t *values, const uint64_t *rows, size_t count,
                         uint64_t sums[2]) {
  uint64_t low = 0, high = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t first = mixed((uint64_t)values[i] ^ rows[i]);
    low += first;
    high += mixed(first + rows[i]);
  }
  sums[0] += low;
  sums[1] += high;
}

LARDER_WIDE_CLONES
void larder_row_hashes(const uint32_t *ids, const int64_t *events, size_t count, uint64_t *hashes) {
  for (size_t i = 0; i < count; i++) {
    hashes[i] = mixed((uint64_t)events[i] + (uint64_t)ids[i] * 0x9E3779B97F4A7C15u);
  }
}

LARDER_WIDE_CLONES
void larder_zone(const int64_t *values, size_t count, int kind, uint64_t zone[2]) {
  // Kinds: 0 integers, 1 bits of binary64, 2 bits of binary32. Of a negative float all bits but
  // the sign are turned, so that signed comparison is IEEE 754's total order.
  int64_t least = INT64_MAX, greatest = INT64_MIN;
  unsigned shift = kind == 2 ? 32 : 0;
  int64_t turned = kind == 0 ? 0 : INT64_MAX;
  for (size_t i = 0; i < count; i++) {
    int64_t value = (int64_t)((uint64_t)values[i] << shift);
    value ^= (value >> 63) & turned;
    least = value < least ? value : least;
    greatest = value > greatest ? value : greatest;
  }
  uint64_t keep = kind == 2 ? 0xFFFFFFFF00000000u : UINT64_MAX;
  zone[0] = ((uint64_t)least ^ 0x8000000000000000u) & keep;
  zone[1] = ((uint64_t)greatest ^ 0x8000000000000000u) & keep;
}
