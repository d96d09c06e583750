#include "larder_join.h"
#include "packed_times.h"
#include "words.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Searching in the order of history. Neighbouring runs end in the same block: it is unpacked once
// for all of them, and each then counts the times that are not after its key, without a branch.

// How many runs ahead lines are fetched.
enum { AHEAD = 24 };

// A block's event times by row; those of rows outside of what was asked for are arbitrary.
typedef struct {
  _Alignas(64) int64_t times[64];
} unpacked_block;

// Brings the lines of a run's block closer.
LARDER_INLINE void touch(const larder_run *run, const larder_times *times) {
  if (run->low >= run->high) return;
  packed_block block = block_of(times + run->segment, run->low);
  const uint8_t *from = block.start + ((uint64_t)(run->low - block.first) * block.width >> 3);
  const uint8_t *to =
      block.start + ((uint64_t)(run->high - 1 - block.first) * block.width >> 3) + 7;
  for (const uint8_t *line = from; line < to; line += 64) prefetch(line);
  prefetch(to);
}

// The rows of a block as bits.
LARDER_INLINE uint64_t rows_between(uint32_t low, uint32_t high) {
  return (~(uint64_t)0 << (low & 63)) & (~(uint64_t)0 >> (63 - ((high - 1) & 63)));
}

// Notes the last of the rows that are not after a key; they are the run's first ones.
LARDER_INLINE void found(larder_run *run, const unpacked_block *block, uint64_t not_after) {
  uint32_t many = (uint32_t)__builtin_popcountll(not_after & rows_between(run->low, run->high));
  if (many == 0) return;
  run->row = run->low + many - 1;
  run->event = block->times[run->row & 63];
}

typedef void (*unpacking)(const packed_block *, uint32_t from, uint32_t to, unpacked_block *);
typedef void (*searching)(larder_run *, const unpacked_block *);

// Finds the rows of all runs; both functions are inlined.
LARDER_INLINE size_t find_all(larder_run *runs, size_t count, const larder_times *all,
                              unpacking unpack, searching search) {
  unpacked_block block = {{0}};
  size_t unread = 0;
  for (size_t i = 0; i < AHEAD && i < count; i++) touch(runs + i, all);
  for (size_t i = 0; i < count;) {
    uint32_t segment = runs[i].segment, place = runs[i].low >> 6;
    uint32_t from = UINT32_MAX, to = 0;
    size_t end = i;
    for (; end < count && runs[end].segment == segment && runs[end].low >> 6 == place; end++) {
      if (end + AHEAD < count) touch(runs + end + AHEAD, all);
      runs[end].row = LARDER_NO_ROW;
      if (runs[end].low >= runs[end].high) continue;
      from = runs[end].low < from ? runs[end].low : from;
      to = runs[end].high > to ? runs[end].high : to;
    }
    const larder_times *times = all + segment;
    if (from < to && is_unread(times, from)) {
      for (; i < end; i++) {
        if (runs[i].low >= runs[i].high) continue;
        runs[i].row = LARDER_UNREAD_ROW;
        unread++;
      }
    } else if (from < to) {
      // Empty runs have no fence of this block; any other has.
      size_t any = i;
      while (runs[any].low >= runs[any].high) any++;
      packed_block packed = times_of(times, from, runs[any].event);
      unpack(&packed, from, to, &block);
      for (; i < end; i++) {
        if (runs[i].low < runs[i].high) search(runs + i, &block);
      }
    }
    i = end;
  }
  return unread;
}

LARDER_INLINE void unpack_each(const packed_block *packed, uint32_t from, uint32_t to,
                               unpacked_block *block) {
  for (uint32_t row = from; row < to; row++) block->times[row & 63] = time_at(packed, row);
}

LARDER_INLINE void bisect(larder_run *run, const unpacked_block *block) {
  const int64_t *first = block->times + (run->low & 63), *at = first;
  uint32_t left = run->high - run->low;
  while (left > 1) {
    uint32_t half = left >> 1;
    at += at[half - 1] <= run->key ? half : 0;
    left -= half;
  }
  uint32_t many = (uint32_t)(at - first) + (*at <= run->key);
  if (many == 0) return;
  run->row = run->low + many - 1;
  run->event = first[many - 1];
}

LARDER_CLONES
static size_t find_scalar(larder_run *runs, size_t count, const larder_times *times) {
  return find_all(runs, count, times, unpack_each, bisect);
}

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx512f,avx512bw,avx512dq,avx512vbmi,popcnt,bmi,bmi2")))
#define WIDE_INLINE WIDE LARDER_INLINE

// Eight packed numbers are `width` bytes: one permutation brings the eight bytes that hold each to
// its lane, for all groups alike. A number of more than 56 bits may lie in nine.
WIDE_INLINE void unpack_wide(const packed_block *packed, uint32_t from, uint32_t to,
                             unpacked_block *block) {
  uint32_t width = packed->width;
  if (width > 56) {
    unpack_each(packed, from, to, block);
    return;
  }
  const __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i bit = _mm512_mullo_epi64(lane, _mm512_set1_epi64(width));
  const __m512i shift = _mm512_and_si512(bit, _mm512_set1_epi64(7));
  // A lane's first byte in all of its bytes, and then 0 to 7 more.
  const __m512i spread = _mm512_set1_epi64(0x0101010101010101);
  const __m512i bytes =
      _mm512_add_epi8(_mm512_mullo_epi64(_mm512_srli_epi64(bit, 3), spread),
                      _mm512_set1_epi64(0x0706050403020100));
  const __m512i mask = _mm512_set1_epi64((long long)packed->mask);
  const __m512i scale = _mm512_set1_epi64((long long)packed->scale);
  const __m512i zero = _mm512_set1_epi64((long long)packed->zero);
  for (uint32_t row = from & ~(uint32_t)7; row < to; row += 8) {
    const uint8_t *at = packed->start + ((uint64_t)(row - packed->first) * width >> 3);
    // No byte is read after those of the rows asked for.
    uint32_t rows = to - row < 8 ? to - row : 8;
    __mmask64 held = _bzhi_u64(~(uint64_t)0, (rows * width + 7) >> 3);
    __m512i group = _mm512_permutexvar_epi8(bytes, _mm512_maskz_loadu_epi8(held, at));
    __m512i numbers = _mm512_and_si512(_mm512_srlv_epi64(group, shift), mask);
    __m512i times = _mm512_add_epi64(_mm512_mullo_epi64(numbers, scale), zero);
    _mm512_store_si512(block->times + (row & 63), times);
  }
}

WIDE_INLINE void count_wide(larder_run *run, const unpacked_block *block) {
  const __m512i key = _mm512_set1_epi64(run->key);
  uint64_t not_after = 0;
  for (uint32_t group = 0; group < 8; group++) {
    __m512i times = _mm512_load_si512(block->times + group * 8);
    not_after |= (uint64_t)_mm512_cmple_epi64_mask(times, key) << (group * 8);
  }
  found(run, block, not_after);
}

WIDE static size_t find_wide(larder_run *runs, size_t count, const larder_times *times) {
  return find_all(runs, count, times, unpack_wide, count_wide);
}
#endif

size_t larder_find_rows_in_order(larder_run *runs, size_t count, const larder_times *times) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi2")) {
    return find_wide(runs, count, times);
  }
#endif
  return find_scalar(runs, count, times);
}
