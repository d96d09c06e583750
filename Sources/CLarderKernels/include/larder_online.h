// The lookup of online rows by batch. Sources/LarderOnline/Index/KeyLookup.swift has the portable
// twin, which also settles what is left open here.
#ifndef LARDER_ONLINE_H
#define LARDER_ONLINE_H

#include <stddef.h>
#include <stdint.h>

#include "larder_keys.h"

/// How many keys larder_online_find takes at a time.
#define LARDER_ONLINE_LANES 128

/// A slot that says that the search must be done with more care.
#define LARDER_ONLINE_OPEN 0xFFFFFFFFu

/// A log file of the row log, under its number; `base` is null where there is none.
typedef struct {
  uint64_t sequence;
  const void *base;
  /// Units of 64 bytes.
  uint32_t units;
  /// What the checksums of its records begin from.
  uint32_t seed;
} larder_online_logFile;

/// An index and its log files. FORMAT.md of the online table says what the bytes mean.
typedef struct {
  const void *lines;
  uint64_t line_count;
  /// The index's table of log files: entries of 32 bytes, each beginning with a sequence number.
  const void *table;
  const larder_online_logFile *logFiles;
  uint32_t logFile_count;
  /// Cache lines of a row to bring closer.
  uint32_t row_lines;
} larder_online_index;

/// Looks keys up and checks the rows found: bounds, kind, key, checksum.
///
/// Other processes may store into the index meanwhile.
///
/// @param buckets how many buckets the index has.
/// @param first the first key of the batch; `count` are looked up, at most LARDER_ONLINE_LANES.
/// @param hashes gets the hash of each key.
/// @param rows gets each row's address; null where none was found.
/// @param slots gets the slot of each row found; where there is none 0 for a key whose chain has
///   no entry that may be its own, and LARDER_ONLINE_OPEN where the search must be done with more
///   care, as the index or a row may not be as it should be.
/// @return how many are null.
size_t larder_online_find(const larder_online_index *index, uint64_t buckets,
                          const larder_key_tails *tails, size_t first, size_t count,
                          uint64_t *hashes, const void **rows, uint32_t *slots);

/// The hashes of keys, as everywhere in the store.
///
/// @param first the first key of the batch; `count` are hashed.
void larder_online_hashes(const larder_key_tails *tails, size_t first, size_t count,
                          uint64_t *hashes);

/// Which of the twelve places of an index line are empty, a bit each.
///
/// Only the writer may ask: it is the one who stores.
static inline uint32_t larder_online_empty(const void *line) {
  const uint32_t *slots = (const uint32_t *)line + 4;
  uint32_t empty = 0;
  for (int entry = 0; entry < 12; entry++) empty |= (uint32_t)(slots[entry] == 0) << entry;
  return empty;
}

/// Computes the CRC-32C of rows, several at a time.
///
/// @param rows the rows, each of whole units as its word at offset 4 says.
/// @param states what each checksum begins from.
/// @param checksums gets the checksums.
void larder_online_checksums(const void *const *rows, const uint32_t *states, size_t count,
                             uint32_t *checksums);

#endif
