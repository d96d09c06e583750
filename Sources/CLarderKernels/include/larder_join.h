// Kernels of the point-in-time join. Sources/LarderPointInTime has the portable twins.
#ifndef LARDER_JOIN_H
#define LARDER_JOIN_H

#include <stddef.h>
#include <stdint.h>

/// The header of a vector of 1,024 lanes as it lies in a segment; see the encodings' VectorHeader.
typedef struct {
  int64_t base;
  uint32_t offset;
  uint8_t width;
  uint8_t kind;
  uint16_t aux;
} larder_vector;

// Search.

/// The event times of a segment: fences, and packed differences from them.
typedef struct {
  const int64_t *fences;
  const larder_vector *headers;
  const uint8_t *body;
  const int64_t *scales;
} larder_times;

/// One run of rows of one entity, and the tick whose last row not after it is searched: one cache
/// line.
typedef struct {
  /// The tick.
  int64_t key;
  /// The run's first and last event time; read only for runs of more than `LARDER_SHORT_RUN` rows.
  int64_t first, last;
  /// The event time of the found row; between the two steps the fence of the block.
  int64_t event;
  /// The rows of the run.
  uint32_t start, end;
  /// The rows of the block that the found row lies in, if any does, and room for a guess at it.
  uint32_t low, high, guess;
  /// The ordinal of the segment.
  uint32_t segment;
  /// Whose run it is.
  uint32_t lane;
  /// The found row, `LARDER_NO_ROW`, or `LARDER_UNREAD_ROW` where the vector is of a kind that the
  /// kernel does not read.
  uint32_t row;
} larder_run;

#define LARDER_NO_ROW UINT32_MAX
#define LARDER_UNREAD_ROW (UINT32_MAX - 1)
/// Runs and blocks of so many rows are bisected without a guess.
#define LARDER_SHORT_RUN 24

/// Finds for each run the block, of at most 64 rows between two fences, that holds the last row not
/// after its key.
///
/// All runs take a step in turn and each prefetches its next value, so that their cache misses
/// overlap. Long runs begin with a guess between their first and last event. No step of the
/// bisection branches on a comparison.
///
/// @param runs `key`, `start`, `end`, `segment`, and for long runs `first` and `last`; receive
///   `low`, `high`, and the block's fence as `event`. An empty block means no row.
/// @param times the segments by ordinal; fences are verified.
void larder_locate_blocks(larder_run *runs, size_t count, const larder_times *times);

/// Finds the rows within their blocks.
///
/// @param runs as `larder_locate_blocks` left them; receive `row` and `event`.
/// @param times the segments by ordinal; the pages of the blocks are verified.
/// @return how many runs have `LARDER_UNREAD_ROW`.
size_t larder_find_rows(larder_run *runs, size_t count, const larder_times *times);

/// As `larder_find_rows`, for runs in the order of history: those that lie in one block should stand
/// together, since they then share its unpacking.
size_t larder_find_rows_in_order(larder_run *runs, size_t count, const larder_times *times);

// Gather.

/// A column of a segment, as far as gathering needs it.
typedef struct {
  const larder_vector *headers;
  const uint8_t *body;
  const int64_t *scales;
  const uint64_t *valid;
  const uint32_t *ranks;
  /// The values of codes, where the form is `LARDER_DISTINCT`.
  const uint64_t *distinct;
  /// The result's code of each of the segment's, where the form is `LARDER_CODES`.
  const uint32_t *codes;
  /// 0 all valid, 1 all null, 2 bitmap, 3 sparse.
  uint32_t mode;
} larder_column;

/// Rows to gather: their lanes in the result, ascending; their segments; their rows.
typedef struct {
  const uint32_t *lanes;
  const uint32_t *segments;
  const uint32_t *rows;
  size_t count;
} larder_matches;

/// Where one value lies, computed while its line is on the way.
typedef struct {
  /// The 8 bytes that hold it; null for a null.
  const uint8_t *at;
  int64_t base;
  int64_t scale;
  /// How far before `at` the base of its frame lies, where the vector has frames.
  uint32_t frame;
  uint8_t shift;
  uint8_t width;
  uint8_t kind;
  uint8_t exponent;
} larder_place;

/// How values are written.
typedef enum {
  /// Integers of 8 bytes.
  LARDER_LANES = 0,
  /// binary64.
  LARDER_DOUBLES = 1,
  /// Integers of 4 bytes.
  LARDER_HALVES = 2,
  /// Codes of 4 bytes, translated.
  LARDER_CODES = 3,
  /// Distinct values of 8 bytes by their codes.
  LARDER_DISTINCT = 4,
  /// Bits.
  LARDER_BITS = 5
} larder_form;

/// Brings headers and validity words closer.
void larder_prefetch_headers(const larder_column *columns, larder_matches matches);

/// Computes where values lie and brings their lines closer, both ends of each load.
///
/// @param places receives one place for each match.
void larder_locate_values(const larder_column *columns, larder_matches matches,
                          larder_place *places);

/// Writes values and marks them valid.
///
/// @param columns by segment; the pages of the values are verified.
/// @param values the chunk's part of the result, zeroed; bits in words.
/// @param validity the chunk's part of the validity bits, zeroed.
/// @param unread receives the indexes of matches of a kind that the kernel does not read.
/// @return how many are unread.
size_t larder_extract_values(const larder_column *columns, larder_matches matches,
                             const larder_place *places, larder_form form, void *values,
                             uint64_t *validity, uint16_t *unread);

// Values of varying length, and lists.

/// Where a value's bytes, or a list's elements, begin and end; -1 for a null.
typedef struct {
  int64_t start;
  int64_t end;
} larder_extent;

/// Reads where values begin and end: a column's offsets in the value's slot and the next.
///
/// @param columns by segment, of offsets; the pages of both offsets are verified.
/// @param has_offsets by segment; 0 where the lanes are no offsets, which are left unread.
/// @param unread receives the indexes of matches that the kernel does not read, or whose offsets
///   fall.
/// @return how many are unread.
size_t larder_extract_extents(const larder_column *columns, const uint8_t *has_offsets,
                            larder_matches matches, larder_extent *extents, uint16_t *unread);

/// Brings the first lines of the values' bytes closer.
///
/// @param bases by segment, the address that extents count from.
void larder_prefetch_extents(const uintptr_t *bases, larder_matches matches,
                           const larder_extent *extents);

/// Copies the values' bytes one behind the other, and marks them valid.
///
/// @param target room for the lengths of all.
/// @param lengths the chunk's part of the result, zeroed.
/// @param validity the chunk's part of the validity bits, zeroed.
/// @return how many bytes were copied.
size_t larder_copy_extents(const uintptr_t *bases, larder_matches matches, const larder_extent *extents,
                         uint8_t *target, int32_t *lengths, uint64_t *validity);

/// Reads lanes that follow each other, as a list's elements do.
///
/// @param column one in which each lane has a value; the pages of the lanes are verified.
/// @param values room for `count` values of the form; a byte each for bits.
/// @return how many were read; fewer where the next one is of a kind that the kernel does not read.
size_t larder_extract_run(const larder_column *column, uint32_t first, size_t count,
                          larder_form form, void *values);

// Gather in the order of rows.

/// Rows of one segment, and their places in the result. Rows that share a vector should stand
/// together; ascending rows do.
typedef struct {
  const uint32_t *rows;
  const uint32_t *places;
  size_t count;
} larder_picks;

/// Writes values of one segment, and whether they are valid.
///
/// @param column the segment's column; the pages of the values are verified.
/// @param values the result, zeroed; `LARDER_BITS` are whole bytes here, since neighbours may be
///   written by other threads.
/// @param valid a byte for each place of the result, zeroed; null where every segment's column is
///   all valid.
/// @param unread receives the indexes of valid picks of a kind that the kernel does not read; room
///   for all picks.
/// @return how many are unread.
size_t larder_gather_ordered(const larder_column *column, larder_picks picks, larder_form form,
                             void *values, uint8_t *valid, uint32_t *unread);

/// Packs bytes of 0 and 1 into bits, least significant first; the last word's rest is zero.
void larder_pack_bits(const uint8_t *bytes, size_t count, uint64_t *words);

#endif
