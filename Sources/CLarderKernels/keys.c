// Batched probing of key tables. Prefetch and branch-free selection are what Swift cannot express.

#include "CLarderKernels.h"

#include <string.h>

#include "words.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Enough independent misses to keep the memory busy; more gained nothing.
enum { LANES = 64 };

static const uint64_t K0 = 0x9A3C65E14BD278D5, K1 = 0xC6A4935BE1672D39, K2 = 0x5D71B8E63A2C94CB,
                      K3 = 0xE39A4C2D965B71A7;

static inline uint64_t fold(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

// The first `length` bytes of a word, at most 8.
static inline uint64_t low_bytes(uint64_t word, size_t length) {
  return length >= 8 ? word : word & ((1ull << (8 * length)) - 1);
}

static inline uint64_t hash_tail(const uint8_t *p, size_t length) {
  uint64_t seed = length, first, last;
  if (__builtin_expect(length <= 16, 1)) {
    // One path for all short lengths: their mix would defeat the branch predictor.
    first = low_bytes(load64(p), length);
    last = length > 8 ? load64(p + length - 8) : first;
  } else {
    size_t offset = 0;
    for (; length - offset > 16; offset += 16)
      seed = fold(load64(p + offset) ^ K1 ^ seed, load64(p + offset + 8) ^ K2);
    first = load64(p + length - 16);
    last = load64(p + length - 8);
  }
  return fold(fold(first ^ K1, last ^ K2 ^ seed) ^ K3, K0 ^ (uint64_t)length);
}

static inline const uint8_t *tail_at(const larder_key_tails *tails, size_t row, size_t *length) {
  if (tails->offsets) {
    *length = (size_t)(tails->offsets[row + 1] - tails->offsets[row]);
    return tails->tails + tails->offsets[row];
  }
  *length = tails->stride;
  return tails->tails + row * tails->stride;
}

void larder_keys_hash(const larder_key_tails *tails, size_t first, size_t count, uint64_t mask,
                      uint64_t *hashes) {
  for (size_t i = 0; i < count; i++) {
    size_t length;
    const uint8_t *tail = tail_at(tails, first + i, &length);
    hashes[i] = hash_tail(tail, length) & mask;
  }
}

static inline uint64_t line_of(const larder_key_table *table, uint64_t tag) {
  uint64_t hash = table->tags_are_hashes
                      ? tag
                      : fold(tag ^ K0, (tag << 32 | tag >> 32) ^ K1) & table->hash_mask;
  hash = hash << 32 | hash >> 32;
  return (uint64_t)(((unsigned __int128)hash * table->homes) >> 64);
}

static inline uint64_t next_line(const larder_key_table *table, uint64_t line) {
  return line + 1 == table->count ? 0 : line + 1;
}

// Writers store a tag before its id, with release; so a slot whose id shows has its tag.
static inline uint64_t tag_in(const larder_key_line *line, int slot) {
  return __atomic_load_n(&line->tags[slot], __ATOMIC_RELAXED);
}
static inline uint32_t id_in(const larder_key_line *line, int slot) {
  return __atomic_load_n(&line->ids[slot], __ATOMIC_ACQUIRE);
}

// One bit per slot that has the tag, empty ones included.
static inline unsigned matches(const larder_key_line *line, uint64_t tag) {
  unsigned bits = 0;
  for (int slot = 0; slot < LARDER_KEY_SLOTS; slot++)
    bits |= (unsigned)(tag_in(line, slot) == tag) << slot;
  return bits;
}

// Always inlined, so that each caller has its own comparison and instruction set.
__attribute__((always_inline)) static inline size_t
find(const larder_key_table *table, const uint64_t *tags, size_t count, uint32_t *ids,
     uint64_t *blocked, unsigned (*compare)(const larder_key_line *, uint64_t)) {
  uint64_t at[LANES];
  const larder_key_line *lines = table->lines;
  for (size_t base = 0; base < count; base += LANES) {
    size_t lanes = count - base < LANES ? count - base : LANES;
    for (size_t i = 0; i < lanes; i++) {
      at[i] = line_of(table, tags[base + i]);
      larder_prefetch(&lines[at[i]]);
    }
    if (table->verified) {
      for (size_t i = 0; i < lanes; i++) {
        uint64_t block = at[i] / LARDER_KEY_BLOCK_LINES;
        if (!larder_key_block_verified(&table->verified[block])) {
          *blocked = block;
          return base;
        }
      }
    }
    for (size_t i = 0; i < lanes; i++) {
      uint64_t tag = tags[base + i], number = at[i];
      const larder_key_line *line = &lines[number];
      int slot = __builtin_ctz(compare(line, tag) | 1u << LARDER_KEY_SLOTS);
      uint32_t id = id_in(line, slot);
      // A full line without the tag: on to the next, at most once around.
      for (uint64_t left = table->count;
           __builtin_expect(slot == LARDER_KEY_SLOTS && left > 1 &&
                            id_in(line, LARDER_KEY_SLOTS - 1) != LARDER_NO_ID, 0);
           left--) {
        number = next_line(table, number);
        uint64_t block = number / LARDER_KEY_BLOCK_LINES;
        if (table->verified && !larder_key_block_verified(&table->verified[block])) {
          *blocked = block;
          return base + i;
        }
        line = &lines[number];
        slot = __builtin_ctz(compare(line, tag) | 1u << LARDER_KEY_SLOTS);
        id = id_in(line, slot);
      }
      ids[base + i] = id;
    }
  }
  return count;
}

size_t larder_keys_find_portable(const larder_key_table *table, const uint64_t *tags,
                                 size_t count, uint32_t *ids, uint64_t *blocked) {
  return find(table, tags, count, ids, blocked, matches);
}

#if defined(__x86_64__)
// The whole line in one comparison. Its five aligned words are each read whole, as by `tag_in`.
__attribute__((target("avx512f"))) static inline unsigned
matches_avx512(const larder_key_line *line, uint64_t tag) {
  __mmask8 equal = _mm512_cmpeq_epi64_mask(_mm512_loadu_si512(line),
                                           _mm512_set1_epi64((long long)tag));
  return equal & ((1u << LARDER_KEY_SLOTS) - 1);
}

__attribute__((target("avx512f,bmi"))) static size_t
find_avx512(const larder_key_table *table, const uint64_t *tags, size_t count, uint32_t *ids,
            uint64_t *blocked) {
  return find(table, tags, count, ids, blocked, matches_avx512);
}
#endif

size_t larder_keys_find(const larder_key_table *table, const uint64_t *tags, size_t count,
                        uint32_t *ids, uint64_t *blocked) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("bmi"))
    return find_avx512(table, tags, count, ids, blocked);
#endif
  return larder_keys_find_portable(table, tags, count, ids, blocked);
}

// The first empty slot of a line, or LARDER_KEY_SLOTS.
static inline int empty_slot(const larder_key_line *line) {
  unsigned bits = 1u << LARDER_KEY_SLOTS;
  for (int slot = 0; slot < LARDER_KEY_SLOTS; slot++)
    bits |= (unsigned)(line->ids[slot] == LARDER_NO_ID) << slot;
  return __builtin_ctz(bits);
}

static inline void publish(larder_key_line *line, int slot, uint64_t tag, uint32_t id) {
  __atomic_store_n(&line->tags[slot], tag, __ATOMIC_RELAXED);
  __atomic_store_n(&line->ids[slot], id, __ATOMIC_RELEASE);
}

static void insert(larder_key_table *table, uint64_t tag, uint32_t id, uint64_t number) {
  for (;; number = next_line(table, number)) {
    larder_key_line *line = &table->lines[number];
    int empty = empty_slot(line);
    if (!table->tags_are_hashes) {
      int slot = __builtin_ctz(matches(line, tag) | 1u << LARDER_KEY_SLOTS);
      if (slot < empty) {
        publish(line, slot, tag, id);
        return;
      }
    }
    if (empty < LARDER_KEY_SLOTS) {
      publish(line, empty, tag, id);
      return;
    }
  }
}

void larder_keys_insert(larder_key_table *table, const uint64_t *tags, const uint32_t *ids,
                        size_t count) {
  uint64_t at[LANES];
  for (size_t base = 0; base < count; base += LANES) {
    size_t lanes = count - base < LANES ? count - base : LANES;
    for (size_t i = 0; i < lanes; i++) {
      at[i] = line_of(table, tags[base + i]);
      __builtin_prefetch(&table->lines[at[i]], 1, 3);
    }
    for (size_t i = 0; i < lanes; i++)
      if (ids[base + i] != LARDER_NO_ID)
        insert(table, tags[base + i], ids[base + i], at[i]);
  }
}

void larder_keys_fill(larder_key_table *table, uint64_t first, const uint64_t *tags,
                      const uint32_t *ids, size_t count, uint64_t *spill_tags,
                      uint32_t *spill_ids, size_t *spilled) {
  uint64_t at[LANES];
  for (size_t base = 0; base < count; base += LANES) {
    size_t lanes = count - base < LANES ? count - base : LANES;
    for (size_t i = 0; i < lanes; i++) {
      // Lines before the part wrap around to large numbers.
      at[i] = line_of(table, tags[base + i]) - first;
      if (at[i] < table->count)
        __builtin_prefetch(&table->lines[at[i]], 1, 3);
    }
    for (size_t i = 0; i < lanes; i++) {
      if (ids[base + i] == LARDER_NO_ID || at[i] >= table->count)
        continue;
      uint64_t number = at[i];
      int empty = LARDER_KEY_SLOTS;
      for (; number < table->count; number++) {
        empty = empty_slot(&table->lines[number]);
        if (empty < LARDER_KEY_SLOTS)
          break;
      }
      if (number < table->count) {
        publish(&table->lines[number], empty, tags[base + i], ids[base + i]);
      } else {
        spill_tags[*spilled] = tags[base + i];
        spill_ids[(*spilled)++] = ids[base + i];
      }
    }
  }
}

// The run that holds an id of the runs.
static inline uint32_t run_of(const larder_key_runs *runs, uint32_t id) {
  uint32_t block = (id - runs->first) / 4096;
  uint32_t low = runs->blocks[block], high = runs->blocks[block + 1] + 1;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (runs->runs[middle].first <= id)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static inline const uint8_t *tail_of(const larder_key_runs *runs, const larder_key_run *run,
                                     uint32_t id, size_t *length) {
  uint32_t slot = id - run->first;
  if (run->offsets) {
    *length = run->offsets[slot + 1] - run->offsets[slot];
    return run->tails + run->offsets[slot];
  }
  *length = runs->stride;
  return run->tails + (size_t)slot * runs->stride;
}

static inline int is_erased(const larder_key_run *run, uint32_t id) {
  uint32_t slot = id - run->first;
  return run->erased && (run->erased[slot / 64] >> (slot % 64) & 1);
}

static inline int equal_tails(const uint8_t *a, size_t a_length, const uint8_t *b,
                              size_t b_length) {
  if (a_length != b_length)
    return 0;
  if (a_length <= 16) {
    uint64_t first = low_bytes(load64(a) ^ load64(b), a_length);
    uint64_t last = a_length > 8 ? load64(a + a_length - 8) ^ load64(b + a_length - 8) : 0;
    return (first | last) == 0;
  }
  if (a_length > 64)
    return memcmp(a, b, a_length) == 0;
  // Most are equal: a call and its ways out cost more than the words.
  uint64_t differing = load64(a + a_length - 8) ^ load64(b + a_length - 8);
  for (size_t i = 0; i + 8 < a_length; i += 8)
    differing |= load64(a + i) ^ load64(b + i);
  return differing == 0;
}

// Where tails of keys that were given ids are found.
typedef struct {
  const larder_key_tails *batch;
  size_t first;
  const larder_key_runs *known;
  // Ids from here on were given just now, to these rows of the batch.
  uint32_t start;
  const uint32_t *fresh;
} key_tails;

static int same_key(const key_tails *keys, size_t position, uint32_t id) {
  size_t length, other_length;
  const uint8_t *tail = tail_at(keys->batch, keys->first + position, &length), *other;
  if (id >= keys->start)
    other = tail_at(keys->batch, keys->first + keys->fresh[id - keys->start], &other_length);
  else
    other = tail_of(keys->known, &keys->known->runs[run_of(keys->known, id)], id, &other_length);
  return equal_tails(tail, length, other, other_length);
}

size_t larder_keys_assign(larder_key_table *table, const uint64_t *tags, size_t count,
                          const larder_key_tails *tails, size_t first,
                          const larder_key_runs *known, uint32_t *ids, uint32_t *next,
                          size_t room, uint32_t *fresh, size_t *fresh_count) {
  const key_tails keys = {tails, first, known, *next, fresh};
  *fresh_count = 0;
  for (size_t position = 0; position < count; position++) {
    if (ids[position] != LARDER_NO_ID)
      continue;
    uint64_t tag = tags[position];
    for (uint64_t number = line_of(table, tag);; number = next_line(table, number)) {
      larder_key_line *line = &table->lines[number];
      int empty = empty_slot(line);
      unsigned found = matches(line, tag) & ((1u << empty) - 1);
      while (found && table->tags_are_hashes &&
             !same_key(&keys, position, line->ids[__builtin_ctz(found)]))
        found &= found - 1;
      if (found) {
        ids[position] = line->ids[__builtin_ctz(found)];
        break;
      }
      if (empty < LARDER_KEY_SLOTS) {
        if (*fresh_count == room)
          return position;
        publish(line, empty, tag, *next);
        ids[position] = (*next)++;
        fresh[(*fresh_count)++] = (uint32_t)position;
        break;
      }
    }
  }
  return count;
}

size_t larder_keys_verify(const larder_key_runs *runs, const larder_key_tails *tails, size_t first,
                          const uint32_t *ids, size_t count, uint32_t *suspects,
                          size_t *suspect_count, uint32_t *blocked) {
  const larder_key_run *run[LANES];
  const uint8_t *tail[LANES];
  size_t length[LANES];
  size_t found = 0;
  for (size_t base = 0; base < count; base += LANES) {
    size_t lanes = count - base < LANES ? count - base : LANES;
    for (size_t i = 0; i < lanes; i++) {
      uint32_t id = ids[base + i];
      run[i] = NULL;
      if (id < runs->first || id >= runs->end)
        continue;
      uint32_t number = run_of(runs, id);
      run[i] = &runs->runs[number];
      if (!larder_key_run_verified(run[i])) {
        *blocked = number;
        *suspect_count = found;
        return base;
      }
      if (run[i]->offsets)
        larder_prefetch(&run[i]->offsets[id - run[i]->first]);
    }
    for (size_t i = 0; i < lanes; i++) {
      if (!run[i])
        continue;
      tail[i] = tail_of(runs, run[i], ids[base + i], &length[i]);
      larder_prefetch(tail[i]);
      larder_prefetch(tail[i] + length[i]);
    }
    for (size_t i = 0; i < lanes; i++) {
      uint32_t id = ids[base + i];
      if (id == LARDER_NO_ID)
        continue;
      size_t own_length;
      const uint8_t *own = tail_at(tails, first + base + i, &own_length);
      if (!run[i] || is_erased(run[i], id) || !equal_tails(own, own_length, tail[i], length[i]))
        suspects[found++] = (uint32_t)(base + i);
    }
  }
  *suspect_count = found;
  return count;
}
