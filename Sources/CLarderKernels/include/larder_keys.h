// Key probing: hashes of key tails, and lookups of whole batches with prefetch.
// Sources/LarderKeys has the portable twins and says what the structures mean.
#ifndef LARDER_KEYS_H
#define LARDER_KEYS_H

#include <stddef.h>
#include <stdint.h>

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

#endif
