// Key probing: hashes of key tails, and lookups of whole batches with prefetch.
// Sources/LarderKeys has the portable twins and says what the structures mean.
#ifndef LARDER_KEYS_H
#define LARDER_KEYS_H

#include <stddef.h>
#include <stdint.h>

/// The id that stands for no key.
#define LARDER_NO_ID UINT32_MAX
/// Keys in one line of a table.
#define LARDER_KEY_SLOTS 5
/// Lines of a mapped table that share a checksum: 64 KiB.
#define LARDER_KEY_BLOCK_LINES 1024

/// Keys with consecutive ids whose tails lie one after the other.
typedef struct {
  /// The tails; 8 bytes past the last one are readable.
  const uint8_t *tails;
  /// Where each tail begins, and after the last where it ends; null if all have one width.
  const uint32_t *offsets;
  /// One bit per key, set if it was erased; null if none was.
  const uint64_t *erased;
  /// The first id.
  uint32_t first;
  /// How many keys.
  uint32_t count;
  /// Whether the bytes were checked; accessed atomically.
  uint32_t verified;
  uint32_t spare;
} larder_key_run;

/// Runs in order of id.
typedef struct {
  larder_key_run *runs;
  /// The run that holds the first id of each block of 4,096, and once more the last run.
  const uint32_t *blocks;
  /// Bytes of every tail, where the runs have no offsets.
  size_t stride;
  uint32_t run_count;
  /// The ids are first..<end.
  uint32_t first;
  uint32_t end;
  uint32_t spare;
} larder_key_runs;

/// Whether a run's bytes were checked; whoever reads 1 sees what the checker saw.
static inline uint32_t larder_key_run_verified(const larder_key_run *run) {
  return __atomic_load_n(&run->verified, __ATOMIC_ACQUIRE);
}

/// Says that a run's bytes were checked.
static inline void larder_key_run_mark_verified(larder_key_run *run) {
  __atomic_store_n(&run->verified, 1, __ATOMIC_RELEASE);
}

/// Whether a block of a mapped table was checked.
static inline uint8_t larder_key_block_verified(const uint8_t *flag) {
  return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

/// Says that a block of a mapped table was checked.
static inline void larder_key_block_mark_verified(uint8_t *flag) {
  __atomic_store_n(flag, 1, __ATOMIC_RELEASE);
}

/// A cache line of a table. Slots fill up from the first; an empty one has the id LARDER_NO_ID.
typedef struct {
  /// An 8-byte tail itself, or the hash of another.
  uint64_t tags[LARDER_KEY_SLOTS];
  /// The last is always LARDER_NO_ID, so that the answer to a failed search is read like any other.
  uint32_t ids[LARDER_KEY_SLOTS + 1];
} larder_key_line;

/// Open addressing with linear probing from line to line; never full.
typedef struct {
  larder_key_line *lines;
  /// Over how many lines the hashes are spread.
  uint64_t homes;
  /// How many lines there are. After the last comes the first; in a file the last is never full.
  uint64_t count;
  /// Taken of every hash. All ones, but in tests that force collisions.
  uint64_t hash_mask;
  /// One byte per block, nonzero once the block was checked; null if nothing needs to be.
  const uint8_t *verified;
  /// Whether tags are hashes; else they are the keys.
  uint32_t tags_are_hashes;
  uint32_t spare;
} larder_key_table;

/// Tails of a batch; 8 bytes past the last one are readable.
typedef struct {
  const uint8_t *tails;
  /// One more than there are rows; null if all have one width.
  const int32_t *offsets;
  size_t stride;
} larder_key_tails;

/// Hashes tails of varying width, or of a width other than 4 and 8.
void larder_keys_hash(const larder_key_tails *tails, size_t first, size_t count, uint64_t mask,
                      uint64_t *hashes);

/// Looks tags up: the id of the first slot with each tag, or LARDER_NO_ID.
///
/// @return how many tags were looked up: all, or those before one that led to a block not checked
///   yet, whose number is then in `blocked`.
size_t larder_keys_find(const larder_key_table *table, const uint64_t *tags, size_t count,
                        uint32_t *ids, uint64_t *blocked);

/// The same on every processor, for the test that both agree.
size_t larder_keys_find_portable(const larder_key_table *table, const uint64_t *tags,
                                 size_t count, uint32_t *ids, uint64_t *blocked);

/// Adds keys to a table that does not hold them and has room. Others may search it meanwhile.
///
/// Where tags are keys, a key that is there already gets the new id.
void larder_keys_insert(larder_key_table *table, const uint64_t *tags, const uint32_t *ids,
                        size_t count);

/// Adds keys to a part of a table: those whose search begins in its lines.
///
/// @param table `lines` are the part's, `homes` are the whole table's.
/// @param first the part's first line.
/// @param spill_tags gets the tags that found no room up to the part's end; their search goes on in
///   the part after it.
/// @param spilled counts those on.
void larder_keys_fill(larder_key_table *table, uint64_t first, const uint64_t *tags,
                      const uint32_t *ids, size_t count, uint64_t *spill_tags,
                      uint32_t *spill_ids, size_t *spilled);

/// Gives an id to each row that has none: that of an equal key in the table, or the next one, with
/// which the key is then added. Without prefetch: the caller has looked the rows up just before.
///
/// @param tails the rows' tails, where tags are hashes.
/// @param first the row that tags[0] and ids[0] belong to.
/// @param known where the tails of the table's keys below `*next` are, where tags are hashes.
/// @param next the next id; counted on.
/// @param room how many keys may be added.
/// @param fresh gets the positions of the rows that were added, in order.
/// @param fresh_count how many those are.
/// @return how many rows were done: all, or those before one that found no room.
size_t larder_keys_assign(larder_key_table *table, const uint64_t *tags, size_t count,
                          const larder_key_tails *tails, size_t first,
                          const larder_key_runs *known, uint32_t *ids, uint32_t *next,
                          size_t room, uint32_t *fresh, size_t *fresh_count);

/// Compares rows' tails to those of the ids that were found for them.
///
/// @param first the row that ids[0] belongs to.
/// @param suspects gets the positions whose tails differ, whose ids lie outside the runs, or whose
///   keys were erased.
/// @return how many ids were done: all, or those before one whose run was not checked yet; its
///   number is then in `blocked`.
size_t larder_keys_verify(const larder_key_runs *runs, const larder_key_tails *tails, size_t first,
                          const uint32_t *ids, size_t count, uint32_t *suspects,
                          size_t *suspect_count, uint32_t *blocked);

#endif
