#include "CLarderKernels.h"

#include "words.h"

LARDER_WIDE_CLONES
void larder_survey_frames(const int64_t *lanes, size_t count, int64_t *least, int64_t *greatest) {
  for (size_t frame = 0; frame * 64 < count; frame++) {
    const int64_t *start = lanes + frame * 64;
    size_t inside = count - frame * 64 < 64 ? count - frame * 64 : 64;
    int64_t low = start[0], high = start[0];
    for (size_t i = 1; i < inside; i++) {
      low = start[i] < low ? start[i] : low;
      high = start[i] > high ? start[i] : high;
    }
    least[frame] = low;
    greatest[frame] = high;
  }
}

LARDER_WIDE_CLONES
size_t larder_count_changes(const int64_t *lanes, size_t count) {
  size_t changes = 0;
  for (size_t i = 1; i < count; i++) changes += lanes[i] != lanes[i - 1];
  return changes;
}

void larder_survey_widths(const int64_t *lanes, size_t count, int64_t base, uint32_t widths[65]) {
  // Four counts at a time: most numbers have one of few widths, and each count would wait for the
  // one before it.
  uint32_t counts[4][65] = {{0}};
  for (size_t i = 0; i < count; i++) {
    uint64_t number = (uint64_t)lanes[i] - (uint64_t)base;
    counts[i & 3][number == 0 ? 0 : 64 - __builtin_clzll(number)]++;
  }
  for (size_t width = 0; width < 65; width++) {
    widths[width] += counts[0][width] + counts[1][width] + counts[2][width] + counts[3][width];
  }
}
