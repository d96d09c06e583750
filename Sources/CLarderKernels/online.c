// Lookups of online rows: every step is taken by many keys before the next one, so that their cache
// misses overlap with each other and with the work on others, and the checksums of four rows are
// computed at a time, since each waits three cycles for its own last step.

#include "CLarderKernels.h"

#include <string.h>

#include "words.h"

enum { UNIT = 64, HEADER_UNITS = 64, ROW = 1, ROW_HEADER = 32, NEXT = 12, SLOTS = 16 };
enum { GROUP = 9, TABLE_ENTRY = 32, ROUNDS = 16 };
// Lanes between the steps: enough for their memory to come, and no more than the processor fetches at
// a time. Windows of 128 at once took half as long again.
enum { LAG = 10 };

static inline uint32_t load32(const uint8_t *p) {
  uint32_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

#if defined(__x86_64__)

#include <nmmintrin.h>

static inline uint32_t row_units(const uint8_t *row) { return load32(row + 4) & 0xFFFFFF; }

// Checksums of up to four rows; the register is the complement of the checksum.
__attribute__((target("sse4.2"))) static void
checksum_four(const uint8_t *const *rows, const uint32_t *states, size_t count,
              uint32_t *checksums) {
  uint64_t a[4];
  size_t words = SIZE_MAX;
  for (size_t i = 0; i < 4; i++) {
    size_t row = i < count ? i : 0;
    a[i] = _mm_crc32_u32(~states[row], load32(rows[row] + 4));
    size_t own = (size_t)row_units(rows[row]) * (UNIT / 8);
    words = own < words ? own : words;
  }
  const uint8_t *p0 = rows[0], *p1 = rows[count > 1 ? 1 : 0], *p2 = rows[count > 2 ? 2 : 0],
                *p3 = rows[count > 3 ? 3 : 0];
  uint64_t a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
  for (size_t word = 1; word < words; word++) {
    a0 = _mm_crc32_u64(a0, load64(p0 + 8 * word));
    a1 = _mm_crc32_u64(a1, load64(p1 + 8 * word));
    a2 = _mm_crc32_u64(a2, load64(p2 + 8 * word));
    a3 = _mm_crc32_u64(a3, load64(p3 + 8 * word));
  }
  a[0] = a0, a[1] = a1, a[2] = a2, a[3] = a3;
  for (size_t i = 0; i < count; i++) {
    uint64_t state = a[i];
    size_t own = (size_t)row_units(rows[i]) * (UNIT / 8);
    for (size_t word = words; word < own; word++)
      state = _mm_crc32_u64(state, load64(rows[i] + 8 * word));
    checksums[i] = ~(uint32_t)state;
  }
}

__attribute__((target("sse4.2"))) void larder_online_checksums(const void *const *rows,
                                                               const uint32_t *states,
                                                               size_t count,
                                                               uint32_t *checksums) {
  for (size_t i = 0; i < count; i += 4)
    checksum_four((const uint8_t *const *)rows + i, states + i, count - i < 4 ? count - i : 4,
                  checksums + i);
}

// One bit per entry whose tag fits.
static inline uint32_t candidates(const uint8_t *line, uint8_t tag) {
  __m128i tags = _mm_loadu_si128((const __m128i *)line);
  return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag))) & 0xFFF;
}

static inline uint64_t hash_word(uint64_t tail) {
  const uint64_t k0 = 0x9A3C65E14BD278D5, k1 = 0xC6A4935BE1672D39;
  unsigned __int128 product = (unsigned __int128)(tail ^ k0) * ((tail << 32 | tail >> 32) ^ k1);
  return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

void larder_online_hashes(const larder_key_tails *tails, size_t first, size_t count,
                          uint64_t *hashes) {
  const uint8_t *base = tails->tails + first * tails->stride;
  if (!tails->offsets && tails->stride == 8) {
    for (size_t i = 0; i < count; i++) hashes[i] = hash_word(load64(base + 8 * i));
  } else if (!tails->offsets && tails->stride == 4) {
    for (size_t i = 0; i < count; i++) hashes[i] = hash_word(load32(base + 4 * i));
  } else {
    larder_keys_hash(tails, first, count, UINT64_MAX, hashes);
  }
}

// Linear hashing; behind every line for overflow come eight of buckets.
static inline uint64_t line_of(uint64_t hash, uint64_t buckets) {
  uint64_t low = 1ull << (63 - __builtin_clzll(buckets));
  uint64_t wide = hash & ((low << 1) - 1);
  uint64_t bucket = wide < buckets ? wide : hash & (low - 1);
  return bucket + (bucket >> 3) + 1;
}

typedef struct {
  const uint8_t *line;
  const uint8_t *row;
  const uint8_t *tail;
  uint32_t bytes;
  uint32_t entries;
  uint32_t slot;
  uint8_t tag;
  // Whether the line was not looked at yet.
  uint8_t is_fresh;
  // Whether a candidate was taken for another key's, which a damaged row may be too.
  uint8_t is_doubtful;
} lane;

// What became of a lane's step.
enum { CARE = 0, YES = 1, ON = 2, ABSENT = 3 };

// Goes to a lane's next candidate: YES if there is one, ON if another line must come first, ABSENT
// if the chain has no more, CARE if the search must be done with more of it.
static inline int advance(const larder_online_index *index, lane *at) {
  const uint8_t *lines = index->lines;
  if (at->is_fresh) at->entries = candidates(at->line, at->tag);
  at->is_fresh = 0;
  while (at->entries) {
    int entry = __builtin_ctz(at->entries);
    at->entries &= at->entries - 1;
    uint32_t slot = __atomic_load_n((const uint32_t *)(at->line + SLOTS) + entry, __ATOMIC_ACQUIRE);
    if (!slot) continue;
    uint32_t number = slot >> 20, unit = slot & 0xFFFFF;
    if (number >= index->logFile_count) return CARE;
    const larder_online_logFile *logFile = &index->logFiles[number];
    if (!logFile->base || unit < HEADER_UNITS || unit >= logFile->units) return CARE;
    at->slot = slot;
    at->row = (const uint8_t *)logFile->base + (size_t)unit * UNIT;
    for (uint32_t line = 0; line < index->row_lines; line++)
      larder_prefetch(at->row + (size_t)line * UNIT);
    return YES;
  }
  uint32_t next = __atomic_load_n((const uint32_t *)(at->line + NEXT), __ATOMIC_ACQUIRE);
  if (!next) return at->is_doubtful ? CARE : ABSENT;
  uint64_t number = ((uint64_t)next - 1) * GROUP;
  if (number >= index->line_count) return CARE;
  at->line = lines + number * UNIT;
  at->is_fresh = 1;
  larder_prefetch(at->line);
  return ON;
}

// Judges a lane's candidate: YES if it is the key's row, ON if it is another key's, CARE if it is
// not as it should be.
static inline int judge(const larder_online_index *index, const lane *at) {
  uint32_t number = at->slot >> 20, unit = at->slot & 0xFFFFF;
  const larder_online_logFile *logFile = &index->logFiles[number];
  const uint64_t *sequence =
      (const uint64_t *)((const uint8_t *)index->table + (size_t)number * TABLE_ENTRY);
  if (__atomic_load_n(sequence, __ATOMIC_ACQUIRE) != logFile->sequence) return CARE;
  uint32_t word = load32(at->row + 4), units = word & 0xFFFFFF;
  if (word >> 24 != ROW || units == 0 || units > logFile->units - unit) return CARE;
  uint32_t bytes = load32(at->row + 28);
  if (bytes != at->bytes) return ON;
  if (ROW_HEADER + (((size_t)bytes + 7) & ~(size_t)7) > (size_t)units * UNIT) return CARE;
  int same = bytes == 8 ? load64(at->row + ROW_HEADER) == load64(at->tail)
                        : memcmp(at->row + ROW_HEADER, at->tail, bytes) == 0;
  return same ? YES : ON;
}

// Takes rows of some lanes back whose checksum does not fit.
static void verify(const larder_online_index *index, const uint8_t *lanes, size_t count,
                   const void **rows, uint32_t *slots) {
  const void *found[LARDER_ONLINE_LANES];
  uint32_t states[LARDER_ONLINE_LANES], checksums[LARDER_ONLINE_LANES];
  for (size_t i = 0; i < count; i++) {
    uint8_t which = lanes[i];
    found[i] = rows[which];
    states[i] = index->logFiles[slots[which] >> 20].seed ^ slots[which];
  }
  larder_online_checksums(found, states, count, checksums);
  for (size_t i = 0; i < count; i++) {
    if (checksums[i] == load32(found[i])) continue;
    rows[lanes[i]] = NULL;
    slots[lanes[i]] = LARDER_ONLINE_OPEN;
  }
}

// Brings the first line of a lane's chain closer; 0 if there is no such line.
static inline int begin(const larder_online_index *index, uint64_t buckets,
                        const larder_key_tails *tails, size_t row, uint64_t hash, lane *at) {
  uint64_t line = line_of(hash, buckets);
  if (line >= index->line_count) return 0;
  at->line = (const uint8_t *)index->lines + line * UNIT;
  larder_prefetch(at->line);
  uint8_t tag = (uint8_t)(hash >> 56);
  at->tag = tag ? tag : 1;
  at->is_fresh = 1;
  at->is_doubtful = 0;
  at->tail = tails->tails + (tails->offsets ? (size_t)tails->offsets[row] : row * tails->stride);
  at->bytes = tails->offsets ? (uint32_t)(tails->offsets[row + 1] - tails->offsets[row])
                             : (uint32_t)tails->stride;
  return 1;
}

// What is on its way through the steps.
typedef struct {
  lane lanes[LARDER_ONLINE_LANES];
  // Lanes that go round again, and those whose checksums are next.
  uint8_t again[LARDER_ONLINE_LANES], found[4];
  size_t again_count, found_count;
} search;

// Takes the second step for a lane: 1 if its row comes closer.
static inline int second(const larder_online_index *index, search *all, uint8_t which,
                         uint32_t *slots) {
  int step = advance(index, &all->lanes[which]);
  if (step == ON) all->again[all->again_count++] = which;
  if (step == ABSENT) slots[which] = 0;
  return step == YES;
}

// Takes the last step for a lane whose row has come.
static inline void last(const larder_online_index *index, search *all, uint8_t which,
                        const void **rows, uint32_t *slots) {
  lane *at = &all->lanes[which];
  int verdict = judge(index, at);
  if (verdict == YES) {
    rows[which] = at->row;
    slots[which] = at->slot;
    all->found[all->found_count++] = which;
    if (all->found_count == 4) {
      verify(index, all->found, 4, rows, slots);
      all->found_count = 0;
    }
  }
  if (verdict == ON) {
    at->is_doubtful = 1;
    all->again[all->again_count++] = which;
  }
}

size_t larder_online_find(const larder_online_index *index, uint64_t buckets,
                          const larder_key_tails *tails, size_t first, size_t count,
                          uint64_t *hashes, const void **rows, uint32_t *slots) {
  search all;
  // Whether a lane's line, then its row, is on its way.
  uint8_t coming[LARDER_ONLINE_LANES], left[LARDER_ONLINE_LANES];
  size_t missing = 0;
  all.again_count = all.found_count = 0;
  larder_online_hashes(tails, first, count, hashes);
  // The first line of one lane comes closer while that of an earlier one is looked at, and the row
  // of one before that is checked.
  for (size_t i = 0; i < count + 2 * LAG; i++) {
    if (i < count) {
      rows[i] = NULL;
      slots[i] = LARDER_ONLINE_OPEN;
      coming[i] = (uint8_t)begin(index, buckets, tails, first + i, hashes[i], &all.lanes[i]);
    }
    size_t middle = i - LAG, end = i - 2 * LAG;
    if (middle < count && coming[middle])
      coming[middle] = (uint8_t)second(index, &all, (uint8_t)middle, slots);
    if (end < count && coming[end]) last(index, &all, (uint8_t)end, rows, slots);
  }
  // A chain of many lines is left to the search that knows a circle from a chain.
  for (int round = 0; all.again_count && round < ROUNDS; round++) {
    size_t some = all.again_count;
    memcpy(left, all.again, some);
    all.again_count = 0;
    for (size_t i = 0; i < some; i++)
      coming[i] = (uint8_t)second(index, &all, left[i], slots);
    for (size_t i = 0; i < some; i++)
      if (coming[i]) last(index, &all, left[i], rows, slots);
  }
  verify(index, all.found, all.found_count, rows, slots);
  for (size_t i = 0; i < count; i++) missing += rows[i] == NULL;
  return missing;
}

#else

size_t larder_online_find(const larder_online_index *index, uint64_t buckets,
                          const larder_key_tails *tails, size_t first, size_t count,
                          uint64_t *hashes, const void **rows, uint32_t *slots) {
  (void)index, (void)buckets, (void)tails, (void)first, (void)hashes;
  for (size_t i = 0; i < count; i++) rows[i] = NULL, slots[i] = LARDER_ONLINE_OPEN;
  return count;
}

void larder_online_hashes(const larder_key_tails *tails, size_t first, size_t count,
                          uint64_t *hashes) {
  (void)tails, (void)first;
  for (size_t i = 0; i < count; i++) hashes[i] = 0;
}

void larder_online_checksums(const void *const *rows, const uint32_t *states, size_t count,
                             uint32_t *checksums) {
  (void)rows, (void)states;
  for (size_t i = 0; i < count; i++) checksums[i] = 0;
}

#endif
