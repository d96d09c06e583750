// XXH3-64 of long inputs (Y. Collet, XXH3 specification): eight 64-bit accumulators take 64 bytes
// at a time. One source, compiled for two widths: the compiler's vector extension lowers it to
// SSE2 or AVX2 by the target of the function. AVX-512 gained nothing where it was measured (Zen 4).
// Words are little-endian, and so is every machine this is built for.

#include "CLarderKernels.h"

#include <string.h>

const uint8_t larder_xxh3_secret_bytes[192] = {
    0xB8, 0xFE, 0x6C, 0x39, 0x23, 0xA4, 0x4B, 0xBE, 0x7C, 0x01, 0x81, 0x2C, 0xF7, 0x21, 0xAD, 0x1C,
    0xDE, 0xD4, 0x6D, 0xE9, 0x83, 0x90, 0x97, 0xDB, 0x72, 0x40, 0xA4, 0xA4, 0xB7, 0xB3, 0x67, 0x1F,
    0xCB, 0x79, 0xE6, 0x4E, 0xCC, 0xC0, 0xE5, 0x78, 0x82, 0x5A, 0xD0, 0x7D, 0xCC, 0xFF, 0x72, 0x21,
    0xB8, 0x08, 0x46, 0x74, 0xF7, 0x43, 0x24, 0x8E, 0xE0, 0x35, 0x90, 0xE6, 0x81, 0x3A, 0x26, 0x4C,
    0x3C, 0x28, 0x52, 0xBB, 0x91, 0xC3, 0x00, 0xCB, 0x88, 0xD0, 0x65, 0x8B, 0x1B, 0x53, 0x2E, 0xA3,
    0x71, 0x64, 0x48, 0x97, 0xA2, 0x0D, 0xF9, 0x4E, 0x38, 0x19, 0xEF, 0x46, 0xA9, 0xDE, 0xAC, 0xD8,
    0xA8, 0xFA, 0x76, 0x3F, 0xE3, 0x9C, 0x34, 0x3F, 0xF9, 0xDC, 0xBB, 0xC7, 0xC7, 0x0B, 0x4F, 0x1D,
    0x8A, 0x51, 0xE0, 0x4B, 0xCD, 0xB4, 0x59, 0x31, 0xC8, 0x9F, 0x7E, 0xC9, 0xD9, 0x78, 0x73, 0x64,
    0xEA, 0xC5, 0xAC, 0x83, 0x34, 0xD3, 0xEB, 0xC3, 0xC5, 0x81, 0xA0, 0xFF, 0xFA, 0x13, 0x63, 0xEB,
    0x17, 0x0D, 0xDD, 0x51, 0xB7, 0xF0, 0xDA, 0x49, 0xD3, 0x16, 0x55, 0x26, 0x29, 0xD4, 0x68, 0x9E,
    0x2B, 0x16, 0xBE, 0x58, 0x7D, 0x47, 0xA1, 0xFC, 0x8F, 0xF8, 0xB8, 0xD1, 0x7A, 0xD0, 0x31, 0xCE,
    0x45, 0xCB, 0x3A, 0x8F, 0x95, 0x16, 0x04, 0x28, 0xAF, 0xD7, 0xFB, 0xCA, 0xBB, 0x4B, 0x40, 0x7E,
};

enum { stripe_bytes = 64, secret_bytes = 192, secret_step = 8, last_secret = 192 - 64 - 7 };
enum { stripes_per_block = (secret_bytes - stripe_bytes) / secret_step };
enum { block_bytes = stripe_bytes * stripes_per_block };

// 64 bytes at any address. Lanes never pass by value between functions, whose calling convention
// would hang on the target.
typedef uint64_t lanes __attribute__((vector_size(64)));
typedef uint64_t unaligned_lanes
    __attribute__((vector_size(64), aligned(1), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define LANES(bytes) (*(const unaligned_lanes *)(const void *)(bytes))

INLINE void add_stripe(lanes *sums, const uint8_t *input, const uint8_t *secret) {
  lanes data = LANES(input);
  lanes keyed = data ^ LANES(secret);
  // Each lane's data goes to its neighbour, so that a key of zero loses nothing.
  lanes swapped = __builtin_shufflevector(data, data, 1, 0, 3, 2, 5, 4, 7, 6);
  *sums += swapped + (keyed & 0xFFFFFFFF) * (keyed >> 32);
}

INLINE void scramble(lanes *sums, const uint8_t *secret) {
  lanes value = *sums;
  value ^= value >> 47;
  value ^= LANES(secret);
  *sums = value * 0x9E3779B1;
}

INLINE uint64_t word(const uint8_t *bytes) {
  uint64_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

INLINE uint64_t fold(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

INLINE uint64_t long_hash(const uint8_t *input, size_t length, uint64_t seed) {
  // Each pair of words of the secret takes the seed with both signs.
  _Alignas(64) uint8_t secret[secret_bytes];
  lanes signs = {seed, -seed, seed, -seed, seed, -seed, seed, -seed};
  for (size_t part = 0; part < secret_bytes; part += stripe_bytes) {
    *(lanes *)(void *)(secret + part) = LANES(larder_xxh3_secret_bytes + part) + signs;
  }

  lanes sums = {0xC2B2AE3D,           0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F,
                0x165667B19E3779F9,   0x85EBCA77C2B2AE63, 0x85EBCA77,
                0x27D4EB2F165667C5,   0x9E3779B1};
  // The last byte is left to the last stripe, which reaches back into what was consumed.
  size_t blocks = (length - 1) / block_bytes;
  const uint8_t *next = input;
  for (size_t block = 0; block < blocks; block++) {
    for (size_t stripe = 0; stripe < stripes_per_block; stripe++) {
      __builtin_prefetch(next + 512, 0, 3);
      add_stripe(&sums, next, secret + stripe * secret_step);
      next += stripe_bytes;
    }
    scramble(&sums, secret + secret_bytes - stripe_bytes);
  }
  size_t stripes = (length - 1 - blocks * block_bytes) / stripe_bytes;
  for (size_t stripe = 0; stripe < stripes; stripe++) {
    add_stripe(&sums, next, secret + stripe * secret_step);
    next += stripe_bytes;
  }
  add_stripe(&sums, input + length - stripe_bytes, secret + last_secret);

  uint64_t hash = length * 0x9E3779B185EBCA87;
  for (size_t pair = 0; pair < 4; pair++) {
    const uint8_t *key = secret + 11 + 16 * pair;
    hash += fold(sums[2 * pair] ^ word(key), sums[2 * pair + 1] ^ word(key + 8));
  }
  hash ^= hash >> 37;
  hash *= 0x165667919E3779F9;
  return hash ^ hash >> 32;
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static uint64_t long_hash_avx2(const void *input, size_t length,
                                                               uint64_t seed) {
  return long_hash(input, length, seed);
}

uint64_t larder_xxh3_long(const void *input, size_t length, uint64_t seed) {
  if (__builtin_cpu_supports("avx2")) return long_hash_avx2(input, length, seed);
  return long_hash(input, length, seed);
}

#else

uint64_t larder_xxh3_long(const void *input, size_t length, uint64_t seed) {
  return long_hash(input, length, seed);
}

#endif
