#include "larder_join.h"

// Clang turns this into a conditional move; without the hint it may choose a jump, and the jump is
// wrong half of the time.
#if defined(__has_builtin)
#if __has_builtin(__builtin_unpredictable)
#define LARDER_UNPREDICTABLE(x) __builtin_unpredictable(x)
#endif
#endif
#ifndef LARDER_UNPREDICTABLE
#define LARDER_UNPREDICTABLE(x) (x)
#endif

#define LARDER_JOIN_LANES 256

void larder_count_not_greater(const int64_t *const *values, const uint32_t *lengths,
                              const int64_t *keys, uint32_t *counts, size_t lanes) {
  const int64_t *base[LARDER_JOIN_LANES];
  uint32_t left[LARDER_JOIN_LANES];
  uint16_t active[LARDER_JOIN_LANES];
  size_t running = 0;
  if (lanes > LARDER_JOIN_LANES) lanes = LARDER_JOIN_LANES;
  for (size_t lane = 0; lane < lanes; lane++) {
    base[lane] = values[lane];
    left[lane] = lengths[lane];
    counts[lane] = 0;
    active[running] = (uint16_t)lane;
    running += lengths[lane] > 0;
    __builtin_prefetch(values[lane] + (lengths[lane] >> 1), 0, 3);
  }
  while (running > 0) {
    size_t kept = 0;
    for (size_t k = 0; k < running; k++) {
      uint32_t lane = active[k];
      uint32_t half = (left[lane] + 1) >> 1;
      const int64_t *at = base[lane];
      at = LARDER_UNPREDICTABLE(at[half - 1] <= keys[lane]) ? at + half : at;
      base[lane] = at;
      // Both sides go on with as many values as the longer one has. The shorter one then takes in
      // the probe again, which is known to be greater and changes nothing.
      uint32_t rest = left[lane] - half;
      left[lane] = rest;
      __builtin_prefetch(at + (rest >> 1), 0, 3);
      active[kept] = (uint16_t)lane;
      kept += rest > 0;
    }
    running = kept;
  }
  for (size_t lane = 0; lane < lanes; lane++) {
    counts[lane] = (uint32_t)(base[lane] - values[lane]);
  }
}
