// Kernels of the segment encodings.
#ifndef LARDER_ENCODINGS_H
#define LARDER_ENCODINGS_H

#include <stddef.h>
#include <stdint.h>

/// 32 doubles: 10 to the powers 0 to 22, each exact, then ones.
const double *larder_powers_of_ten(void);

/// The least and the greatest lane of each frame of 64.
void larder_survey_frames(const int64_t *lanes, size_t count, int64_t *least, int64_t *greatest);

/// How many lanes differ from the one before.
size_t larder_count_changes(const int64_t *lanes, size_t count);

/// Adds to `widths[b]` how many lanes less a base have b bits.
void larder_survey_widths(const int64_t *lanes, size_t count, int64_t base, uint32_t widths[65]);

/// Turns doubles into the integers nearest to their product with a power of ten.
///
/// @param exact set to 1 where integer / power is the value, every bit of it.
/// @return how many are exact. The integers of others have no meaning.
size_t larder_to_decimals64(const double *values, size_t count, double power, int64_t *integers,
                            uint8_t *exact);

/// The same for floats: exact is where (float)(integer / power) is the value.
size_t larder_to_decimals32(const float *values, size_t count, double power, int64_t *integers,
                            uint8_t *exact);

/// Unpacks numbers of a width of 0 to 57, or 64, and adds a base. 8 bytes past the source are read.
void larder_unpack(const void *source, size_t count, uint32_t width, int64_t base, int64_t *target);

/// lanes[i] *= factor, modulo 2^64.
void larder_multiply(int64_t *lanes, size_t count, int64_t factor);

/// lanes[i] += addend, modulo 2^64.
void larder_add_constant(int64_t *lanes, size_t count, int64_t addend);

/// lanes[i] += addends[i], modulo 2^64.
void larder_add_lanes(int64_t *lanes, const int64_t *addends, size_t count);

/// target[i] = integers[i] / power.
void larder_divide64(const int64_t *integers, size_t count, double power, double *target);

/// target[i] = (float)(integers[i] / power).
void larder_divide32(const int64_t *integers, size_t count, double power, float *target);

/// target[i] = the low half of lanes[i].
void larder_narrow(const int64_t *lanes, size_t count, int32_t *target);

/// lanes[i] = values[i].
void larder_widen(const int32_t *values, size_t count, int64_t *lanes);

/// lanes[i] = before + lanes[0] + ... + lanes[i], modulo 2^64.
void larder_prefix_sum(int64_t *lanes, size_t count, int64_t before);

/// How many lanes are negative or not below a limit.
uint64_t larder_count_outside(const int64_t *lanes, size_t count, uint64_t limit);

/// Adds the content hash of values to two sums; `rows` are the rows' hashes.
void larder_content_hash(const int64_t *values, const uint64_t *rows, size_t count,
                         uint64_t sums[2]);

/// The hash of each row's id and event time.
void larder_row_hashes(const uint32_t *ids, const int64_t *events, size_t count, uint64_t *hashes);

/// The least and greatest order-preserving image; kinds: 0 integers, 1 binary64, 2 binary32.
void larder_zone(const int64_t *values, size_t count, int kind, uint64_t zone[2]);

#endif
