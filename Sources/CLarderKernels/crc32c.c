// CRC-32C (Castagnoli) by the instruction of SSE4.2, eight bytes at a time.

#include "CLarderKernels.h"

#include <string.h>

#if defined(__x86_64__)

#include <nmmintrin.h>

int larder_has_crc32c(void) { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2"))) uint32_t larder_crc32c(uint32_t state, const void *bytes,
                                                          size_t count) {
  const uint8_t *next = bytes;
  uint64_t wide = state;
  for (; count >= 8; count -= 8, next += 8) {
    uint64_t word;
    memcpy(&word, next, sizeof word);
    wide = _mm_crc32_u64(wide, word);
  }
  uint32_t narrow = (uint32_t)wide;
  for (; count > 0; count--, next++) narrow = _mm_crc32_u8(narrow, *next);
  return narrow;
}

#else

int larder_has_crc32c(void) { return 0; }

uint32_t larder_crc32c(uint32_t state, const void *bytes, size_t count) {
  (void)bytes, (void)count;
  return state;
}

#endif
