// Reading words, and compiling for the machine at hand: what the kernels share. Not part of the
// interface.
#ifndef LARDER_WORDS_H
#define LARDER_WORDS_H

#include <stdint.h>
#include <string.h>

// A function compiled for several levels of x86-64; the loader takes the best one. The widest
// vectors only where they were measured to gain. Under ThreadSanitizer there is one level: what
// chooses runs before its runtime is there.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LARDER_ONE_LEVEL
#endif
#endif
#if defined(__x86_64__) && !defined(LARDER_ONE_LEVEL)
#define LARDER_CLONES __attribute__((target_clones("default", "arch=x86-64-v3")))
#define LARDER_WIDE_CLONES \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define LARDER_CLONES
#define LARDER_WIDE_CLONES
#endif

// For what must be compiled with its caller's level.
#define LARDER_INLINE static inline __attribute__((always_inline))

// Brings a line closer, into all caches.
static inline void prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

// Eight bytes wherever they lie.
static inline uint64_t load64(const uint8_t *address) {
  uint64_t word;
  memcpy(&word, address, 8);
  return word;
}

// The lowest `width` bits, 0 to 64.
static inline uint64_t mask_of(uint32_t width) {
  return (((uint64_t)1 << (width & 63)) - 1) | ((uint64_t)0 - (width >> 6));
}

#endif
