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

#endif
