#include "CLarderKernels.h"

#include "words.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Eight packed numbers are `width` bytes, so within such a group the byte offsets and shifts are
// the same from group to group: no counter of bits is carried along.
static void unpack_each(const uint8_t *bytes, size_t count, uint32_t width, uint64_t first,
                        uint64_t *out) {
  const uint64_t mask = ((uint64_t)1 << width) - 1;
  const size_t o1 = width >> 3, o2 = 2 * width >> 3, o3 = 3 * width >> 3, o4 = 4 * width >> 3,
               o5 = 5 * width >> 3, o6 = 6 * width >> 3, o7 = 7 * width >> 3;
  const unsigned s1 = width & 7, s2 = 2 * width & 7, s3 = 3 * width & 7, s4 = 4 * width & 7,
                 s5 = 5 * width & 7, s6 = 6 * width & 7, s7 = 7 * width & 7;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    out[i] = first + (load64(bytes) & mask);
    out[i + 1] = first + (load64(bytes + o1) >> s1 & mask);
    out[i + 2] = first + (load64(bytes + o2) >> s2 & mask);
    out[i + 3] = first + (load64(bytes + o3) >> s3 & mask);
    out[i + 4] = first + (load64(bytes + o4) >> s4 & mask);
    out[i + 5] = first + (load64(bytes + o5) >> s5 & mask);
    out[i + 6] = first + (load64(bytes + o6) >> s6 & mask);
    out[i + 7] = first + (load64(bytes + o7) >> s7 & mask);
    bytes += width;
  }
  for (size_t bit = 0; i < count; i++, bit += width) {
    out[i] = first + (load64(bytes + (bit >> 3)) >> (bit & 7) & mask);
  }
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
#define WIDE __attribute__((target("avx512f,avx512bw,avx512dq,avx512vbmi,bmi2")))

// Two neighbours lie in 16 bytes: (7 + 2 * 57) bits. One shuffle brings each to its lane.
AVX2 static inline __m256i two_pairs(const uint8_t *pair, const uint8_t *next, __m256i bytes,
                                     __m256i shift) {
  __m256i both = _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)pair)),
      _mm_loadu_si128((const __m128i *)next), 1);
  return _mm256_srlv_epi64(_mm256_shuffle_epi8(both, bytes), shift);
}

// The bytes and shifts of the numbers `from` to `from + 3` of a group, for `two_pairs`.
AVX2 static inline void places(uint32_t width, uint32_t from, __m256i *bytes, __m256i *shift) {
  uint64_t controls[4][2], shifts[4];
  for (uint32_t lane = 0; lane < 4; lane++) {
    uint32_t pair = ((from + lane) & ~(uint32_t)1) * width;
    uint32_t bit = (pair & 7) + ((from + lane) & 1) * width;
    controls[lane >> 1][lane & 1] =
        0x0706050403020100 + (uint64_t)(bit >> 3) * 0x0101010101010101;
    shifts[lane] = bit & 7;
  }
  *bytes = _mm256_loadu_si256((const __m256i *)controls);
  *shift = _mm256_loadu_si256((const __m256i *)shifts);
}

AVX2 static void unpack_avx2(const uint8_t *bytes, size_t count, uint32_t width, uint64_t first,
                             uint64_t *out) {
  __m256i low_bytes, low_shift, high_bytes, high_shift;
  places(width, 0, &low_bytes, &low_shift);
  places(width, 4, &high_bytes, &high_shift);
  const __m256i mask = _mm256_set1_epi64x((long long)(((uint64_t)1 << width) - 1));
  const __m256i base = _mm256_set1_epi64x((long long)first);
  const size_t o2 = 2 * width >> 3, o4 = 4 * width >> 3, o6 = 6 * width >> 3;
  // The last loads of a group end 16 bytes behind its seventh number's first: only where that lies
  // within the numbers and the 8 bytes after them.
  const uint8_t *end = bytes + (count * width + 7) / 8 + 8;
  size_t i = 0;
  for (; i + 8 <= count && bytes + o6 + 16 <= end; i += 8) {
    __m256i low = two_pairs(bytes, bytes + o2, low_bytes, low_shift);
    __m256i high = two_pairs(bytes + o4, bytes + o6, high_bytes, high_shift);
    low = _mm256_add_epi64(_mm256_and_si256(low, mask), base);
    high = _mm256_add_epi64(_mm256_and_si256(high, mask), base);
    _mm256_storeu_si256((__m256i *)(out + i), low);
    _mm256_storeu_si256((__m256i *)(out + i + 4), high);
    bytes += width;
  }
  unpack_each(bytes, count - i, width, first, out + i);
}

// One permutation brings the eight bytes that hold each number to its lane: a number of at most 57
// bits starts within the first of them.
WIDE static void unpack_wide(const uint8_t *bytes, size_t count, uint32_t width, uint64_t first,
                             uint64_t *out) {
  const __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i bit = _mm512_mullo_epi64(lane, _mm512_set1_epi64(width));
  const __m512i shift = _mm512_and_si512(bit, _mm512_set1_epi64(7));
  // A lane's first byte in all of its bytes, and then 0 to 7 more.
  const __m512i spread = _mm512_set1_epi64(0x0101010101010101);
  const __m512i from = _mm512_add_epi8(_mm512_mullo_epi64(_mm512_srli_epi64(bit, 3), spread),
                                       _mm512_set1_epi64(0x0706050403020100));
  const __m512i mask = _mm512_set1_epi64((long long)(((uint64_t)1 << width) - 1));
  const __m512i base = _mm512_set1_epi64((long long)first);
  // A group and the 8 bytes after it, which can be read.
  const __mmask64 held = _bzhi_u64(~(uint64_t)0, width + 8);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m512i group = _mm512_permutexvar_epi8(from, _mm512_maskz_loadu_epi8(held, bytes));
    __m512i numbers = _mm512_and_si512(_mm512_srlv_epi64(group, shift), mask);
    _mm512_storeu_si512(out + i, _mm512_add_epi64(numbers, base));
    bytes += width;
  }
  unpack_each(bytes, count - i, width, first, out + i);
}
#endif

// What this machine unpacks with. Threads that ask at once find the same.
typedef void unpacking(const uint8_t *, size_t, uint32_t, uint64_t, uint64_t *);

static unpacking *best_unpacking(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi2")) {
    return unpack_wide;
  }
  if (__builtin_cpu_supports("avx2")) return unpack_avx2;
#endif
  return unpack_each;
}

LARDER_WIDE_CLONES
static void add_base(const uint8_t *bytes, size_t count, uint64_t first, uint64_t *out) {
  for (size_t i = 0; i < count; i++) out[i] = first + load64(bytes + 8 * i);
}

void larder_unpack(const void *source, size_t count, uint32_t width, int64_t base, int64_t *target) {
  const uint64_t first = (uint64_t)base;
  uint64_t *out = (uint64_t *)target;
  if (width == 0) {
    for (size_t i = 0; i < count; i++) out[i] = first;
  } else if (width == 64) {
    add_base(source, count, first, out);
  } else {
    best_unpacking()(source, count, width, first, out);
  }
}

void larder_unpack_as(larder_level level, const void *source, size_t count, uint32_t width,
                      int64_t base, int64_t *target) {
  unpacking *chosen = unpack_each;
#if defined(__x86_64__)
  if (level == LARDER_LEVEL_AVX2 && __builtin_cpu_supports("avx2")) chosen = unpack_avx2;
  if (level == LARDER_LEVEL_WIDE && best_unpacking() == unpack_wide) chosen = unpack_wide;
#endif
  if (width == 0 || width == 64) {
    larder_unpack(source, count, width, base, target);
  } else {
    chosen(source, count, width, (uint64_t)base, (uint64_t *)target);
  }
}

LARDER_WIDE_CLONES
void larder_add_fences(int64_t *lanes, size_t first, size_t count, const int64_t *fences) {
  size_t i = 0;
  while (i < count) {
    size_t row = first + i, end = i + 64 - (row & 63);
    if (end > count) end = count;
    const uint64_t fence = (uint64_t)fences[row >> 6];
    for (; i < end; i++) lanes[i] = (int64_t)((uint64_t)lanes[i] + fence);
  }
}

LARDER_WIDE_CLONES
void larder_widen_singles(const int64_t *bits, size_t count, double *target) {
  for (size_t i = 0; i < count; i++) {
    uint32_t low = (uint32_t)(uint64_t)bits[i];
    float single;
    memcpy(&single, &low, 4);
    target[i] = single;
  }
}

LARDER_WIDE_CLONES
void larder_multiply(int64_t *lanes, size_t count, int64_t factor) {
  for (size_t i = 0; i < count; i++) lanes[i] = (int64_t)((uint64_t)lanes[i] * (uint64_t)factor);
}

LARDER_WIDE_CLONES
void larder_add_constant(int64_t *lanes, size_t count, int64_t addend) {
  for (size_t i = 0; i < count; i++) lanes[i] = (int64_t)((uint64_t)lanes[i] + (uint64_t)addend);
}

LARDER_WIDE_CLONES
void larder_add_lanes(int64_t *lanes, const int64_t *addends, size_t count) {
  for (size_t i = 0; i < count; i++) {
    lanes[i] = (int64_t)((uint64_t)lanes[i] + (uint64_t)addends[i]);
  }
}

LARDER_WIDE_CLONES
void larder_divide64(const int64_t *integers, size_t count, double power, double *target) {
  for (size_t i = 0; i < count; i++) target[i] = (double)integers[i] / power;
}

LARDER_WIDE_CLONES
void larder_divide32(const int64_t *integers, size_t count, double power, float *target) {
  for (size_t i = 0; i < count; i++) target[i] = (float)((double)integers[i] / power);
}

LARDER_WIDE_CLONES
void larder_narrow(const int64_t *lanes, size_t count, int32_t *target) {
  for (size_t i = 0; i < count; i++) target[i] = (int32_t)(uint32_t)(uint64_t)lanes[i];
}

LARDER_WIDE_CLONES
void larder_widen(const int32_t *values, size_t count, int64_t *lanes) {
  for (size_t i = 0; i < count; i++) lanes[i] = values[i];
}

LARDER_WIDE_CLONES
void larder_prefix_sum(int64_t *lanes, size_t count, int64_t before) {
  uint64_t sum = (uint64_t)before;
  for (size_t i = 0; i < count; i++) {
    sum += (uint64_t)lanes[i];
    lanes[i] = (int64_t)sum;
  }
}

LARDER_WIDE_CLONES
uint64_t larder_count_outside(const int64_t *lanes, size_t count, uint64_t limit) {
  uint64_t outside = 0;
  for (size_t i = 0; i < count; i++) outside += (uint64_t)lanes[i] >= limit;
  return outside;
}
