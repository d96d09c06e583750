#include "CLarderKernels.h"

#include "words.h"

// Eight packed numbers are `width` bytes, so within such a group the byte offsets and shifts are
// the same from group to group: no counter of bits is carried along.
LARDER_WIDE_CLONES
void larder_unpack(const void *source, size_t count, uint32_t width, int64_t base, int64_t *target) {
  const uint8_t *bytes = source;
  const uint64_t first = (uint64_t)base;
  uint64_t *out = (uint64_t *)target;
  if (width == 0) {
    for (size_t i = 0; i < count; i++) out[i] = first;
    return;
  }
  if (width == 64) {
    for (size_t i = 0; i < count; i++) out[i] = first + load64(bytes + 8 * i);
    return;
  }
  const uint64_t mask = ((uint64_t)1 << width) - 1;
  const size_t o1 = width >> 3, o2 = 2 * width >> 3, o3 = 3 * width >> 3, o4 = 4 * width >> 3,
               o5 = 5 * width >> 3, o6 = 6 * width >> 3, o7 = 7 * width >> 3;
  const unsigned s1 = width & 7, s2 = 2 * width & 7, s3 = 3 * width & 7, s4 = 4 * width & 7,
                 s5 = 5 * width & 7, s6 = 6 * width & 7, s7 = 7 * width & 7;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    out[i] = first + (load64(bytes) & mask);
    out[i + 1] = first + (load64(bytes + o1) >> s1 & mask);
    out[i + 2] = first + (load64(bytes + o2) >> s2 & mask);
    out[i + 3] = first + (load64(bytes + o3) >> s3 & mask);
    out[i + 4] = first + (load64(bytes + o4) >> s4 & mask);
    out[i + 5] = first + (load64(bytes + o5) >> s5 & mask);
    out[i + 6] = first + (load64(bytes + o6) >> s6 & mask);
    out[i + 7] = first + (load64(bytes + o7) >> s7 & mask);
    bytes += width;
  }
  for (size_t bit = 0; i < count; i++, bit += width) {
    out[i] = first + (load64(bytes + (bit >> 3)) >> (bit & 7) & mask);
  }
}

LARDER_WIDE_CLONES
void larder_multiply(int64_t *lanes, size_t count, int64_t factor) {
  for (size_t i = 0; i < count; i++) lanes[i] = (int64_t)((uint64_t)lanes[i] * (uint64_t)factor);
}

LARDER_WIDE_CLONES
void larder_add_constant(int64_t *lanes, size_t count, int64_t addend) {
  for (size_t i = 0; i < count; i++) lanes[i] = (int64_t)((uint64_t)lanes[i] + (uint64_t)addend);
}

LARDER_WIDE_CLONES
void larder_add_lanes(int64_t *lanes, const int64_t *addends, size_t count) {
  for (size_t i = 0; i < count; i++) {
    lanes[i] = (int64_t)((uint64_t)lanes[i] + (uint64_t)addends[i]);
  }
}

LARDER_WIDE_CLONES
void larder_divide64(const int64_t *integers, size_t count, double power, double *target) {
  for (size_t i = 0; i < count; i++) target[i] = (double)integers[i] / power;
}

LARDER_WIDE_CLONES
void larder_divide32(const int64_t *integers, size_t count, double power, float *target) {
  for (size_t i = 0; i < count; i++) target[i] = (float)((double)integers[i] / power);
}

LARDER_WIDE_CLONES
void larder_narrow(const int64_t *lanes, size_t count, int32_t *target) {
  for (size_t i = 0; i < count; i++) target[i] = (int32_t)(uint32_t)(uint64_t)lanes[i];
}

LARDER_WIDE_CLONES
void larder_widen(const int32_t *values, size_t count, int64_t *lanes) {
  for (size_t i = 0; i < count; i++) lanes[i] = values[i];
}

LARDER_WIDE_CLONES
void larder_prefix_sum(int64_t *lanes, size_t count, int64_t before) {
  uint64_t sum = (uint64_t)before;
  for (size_t i = 0; i < count; i++) {
    sum += (uint64_t)lanes[i];
    lanes[i] = (int64_t)sum;
  }
}

LARDER_WIDE_CLONES
uint64_t larder_count_outside(const int64_t *lanes, size_t count, uint64_t limit) {
  uint64_t outside = 0;
  for (size_t i = 0; i < count; i++) outside += (uint64_t)lanes[i] >= limit;
  return outside;
}
