#include "CLarderKernels.h"

#include "words.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Up to 64 bits of a bitmap from any bit on; no word is read that holds none of them.
LARDER_INLINE uint64_t bits_at(const uint64_t *words, size_t bit, size_t count) {
  uint64_t shift = bit & 63, word = words[bit >> 6] >> shift;
  if (shift + count > 64) word |= words[(bit >> 6) + 1] << (64 - shift);
  return count < 64 ? word & (((uint64_t)1 << count) - 1) : word;
}

// One value more than there are may be read.
static void spread64_each(const uint64_t *dense, const uint64_t *valid, size_t first, size_t rows,
                          uint64_t *target) {
  for (size_t row = 0; row < rows; row += 64) {
    size_t count = rows - row < 64 ? rows - row : 64;
    uint64_t bits = bits_at(valid, first + row, count);
    for (size_t i = 0; i < count; i++) {
      uint64_t bit = bits >> i & 1;
      target[row + i] = *dense & (0 - bit);
      dense += bit;
    }
  }
}

#if defined(__x86_64__)
__attribute__((target("avx512f,popcnt"))) static void
spread64_wide(const uint64_t *dense, const uint64_t *valid, size_t first, size_t rows,
              uint64_t *target) {
  for (size_t row = 0; row < rows; row += 64) {
    size_t count = rows - row < 64 ? rows - row : 64;
    uint64_t bits = bits_at(valid, first + row, count);
    for (size_t i = 0; i < count; i += 8, bits >>= 8) {
      __mmask8 own = (__mmask8)bits;
      __mmask8 held = (__mmask8)(count - i < 8 ? (1u << (count - i)) - 1 : 255);
      _mm512_mask_storeu_epi64(target + row + i, held, _mm512_maskz_expandloadu_epi64(own, dense));
      dense += __builtin_popcount(own);
    }
  }
}
#endif

void larder_spread64(const uint64_t *dense, const uint64_t *valid, size_t first, size_t rows,
                     uint64_t *target) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("popcnt")) {
    spread64_wide(dense, valid, first, rows, target);
    return;
  }
#endif
  spread64_each(dense, valid, first, rows, target);
}

void larder_spread32(const uint32_t *dense, const uint64_t *valid, size_t first, size_t rows,
                     uint32_t *target) {
  for (size_t row = 0; row < rows; row += 64) {
    size_t count = rows - row < 64 ? rows - row : 64;
    uint64_t bits = bits_at(valid, first + row, count);
    for (size_t i = 0; i < count; i++) {
      uint32_t bit = (uint32_t)(bits >> i & 1);
      target[row + i] = *dense & (0 - bit);
      dense += bit;
    }
  }
}

uint64_t larder_sum_texts(const uint32_t *codes, size_t count, const uint32_t *offsets,
                          const uint64_t *valid, size_t first, uint64_t total, uint32_t *ends) {
  for (size_t i = 0; i < count; i++) {
    uint32_t length = offsets[codes[i] + 1] - offsets[codes[i]];
    if (valid) length &= 0 - (uint32_t)(valid[(first + i) >> 6] >> ((first + i) & 63) & 1);
    total += length;
    ends[i + 1] = (uint32_t)total;
  }
  return total;
}

void larder_copy_texts(const uint32_t *codes, size_t count, const uint32_t *offsets,
                       const void *bytes, const uint32_t *ends, void *target) {
  const uint8_t *source = bytes;
  uint8_t *place = target;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *text = source + offsets[codes[i]];
    uint32_t length = ends[i + 1] - ends[i];
    for (uint32_t done = 0; done < length; done += 8) {
      uint64_t word = load64(text + done);
      memcpy(place + done, &word, 8);
    }
    place += length;
  }
}
