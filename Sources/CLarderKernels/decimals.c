#include "CLarderKernels.h"

#include <math.h>
#include <string.h>

#include "words.h"

// Adding 1.5 x 2^52 rounds a number below 2^51 to an integer, which is then in the low bits: the
// only conversion that every vector unit has.
static const double magic = 6755399441055744.0;
static const int64_t magic_bits = 0x4338000000000000;
static const double limit = 2251799813685248.0;

LARDER_WIDE_CLONES
size_t larder_to_decimals64(const double *values, size_t count, double power, int64_t *integers,
                            uint8_t *exact) {
  size_t exacts = 0;
  for (size_t i = 0; i < count; i++) {
    double scaled = values[i] * power;
    double shifted = scaled + magic;
    int64_t shifted_bits;
    memcpy(&shifted_bits, &shifted, 8);
    // The sum with 0.0 turns -0.0 to 0.0, as an integer would: so -0.0 is not exact.
    double back = ((shifted - magic) + 0.0) / power;
    uint64_t back_bits, value_bits;
    memcpy(&back_bits, &back, 8);
    memcpy(&value_bits, &values[i], 8);
    uint8_t ok = (fabs(scaled) < limit) & (back_bits == value_bits);
    integers[i] = shifted_bits - magic_bits;
    exact[i] = ok;
    exacts += ok;
  }
  return exacts;
}

LARDER_WIDE_CLONES
size_t larder_to_decimals32(const float *values, size_t count, double power, int64_t *integers,
                            uint8_t *exact) {
  size_t exacts = 0;
  for (size_t i = 0; i < count; i++) {
    double scaled = (double)values[i] * power;
    double shifted = scaled + magic;
    int64_t shifted_bits;
    memcpy(&shifted_bits, &shifted, 8);
    float back = (float)(((shifted - magic) + 0.0) / power);
    uint32_t back_bits, value_bits;
    memcpy(&back_bits, &back, 4);
    memcpy(&value_bits, &values[i], 4);
    uint8_t ok = (fabs(scaled) < limit) & (back_bits == value_bits);
    integers[i] = shifted_bits - magic_bits;
    exact[i] = ok;
    exacts += ok;
  }
  return exacts;
}
