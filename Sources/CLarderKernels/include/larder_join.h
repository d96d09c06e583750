// Kernels of the point-in-time join. Sources/LarderPointInTime/Search has the portable twins.
#ifndef LARDER_JOIN_H
#define LARDER_JOIN_H

#include <stddef.h>
#include <stdint.h>

/// Counts for each lane how many of its ascending values are at most its key.
///
/// All lanes take a step in turn and each prefetches its next value, so that their cache misses
/// overlap; a lane that is done drops out. No step branches on a comparison.
///
/// @param values for each lane, its values.
/// @param lengths for each lane, how many; may be 0.
/// @param keys for each lane, its key.
/// @param counts receives the counts.
/// @param lanes at most 256.
void larder_count_not_greater(const int64_t *const *values, const uint32_t *lengths,
                              const int64_t *keys, uint32_t *counts, size_t lanes);

#endif
