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

/// The ways in which numbers are unpacked: by words, and with 256 and 512 bits at a time.
typedef enum { LARDER_LEVEL_WORDS, LARDER_LEVEL_AVX2, LARDER_LEVEL_WIDE } larder_level;

/// The same in one way, for tests; by words where the machine does not have it.
void larder_unpack_as(larder_level level, const void *source, size_t count, uint32_t width,
                      int64_t base, int64_t *target);

/// lanes[i] += fences[(first + i) / 64], modulo 2^64: the event times of rows from `first` on.
void larder_add_fences(int64_t *lanes, size_t first, size_t count, const int64_t *fences);

/// target[i] = the binary32 of which bits[i] are the bits.
void larder_widen_singles(const int64_t *bits, size_t count, double *target);

/// Puts values to the rows that have one, and 0 to the others.
///
/// @param dense the values, and one more that can be read.
/// @param valid a bit for each row, that of the first being bit `first`.
void larder_spread64(const uint64_t *dense, const uint64_t *valid, size_t first, size_t rows,
                     uint64_t *target);

/// The same for values of 32 bits.
void larder_spread32(const uint32_t *dense, const uint64_t *valid, size_t first, size_t rows,
                     uint32_t *target);

/// Where the texts of codes end, one after the other: ends[i + 1] = total + their bytes up to i.
///
/// @param offsets where the texts of a dictionary begin and end.
/// @param valid a bit for each row, that of the first being bit `first`; null if all are valid. A row
/// that is not valid has no bytes.
/// @return the last sum; that the ends have 32 bits is for the caller to see to.
uint64_t larder_sum_texts(const uint32_t *codes, size_t count, const uint32_t *offsets,
                          const uint64_t *valid, size_t first, uint64_t total, uint32_t *ends);

/// Copies the texts of codes, one after the other, as `larder_sum_texts` counted them.
///
/// Up to 7 bytes past each text are read, and past the last one written.
void larder_copy_texts(const uint32_t *codes, size_t count, const uint32_t *offsets,
                       const void *bytes, const uint32_t *ends, void *target);

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
