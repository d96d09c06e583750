#include "larder_encodings.h"
#include "packed_values.h"
#include "words.h"

// Where a vector's lanes of one frame, or all of them, lie.
typedef struct {
  const uint8_t *at;
  uint64_t base;
  uint64_t mask;
  uint32_t width;
  // The first lane from here that lies elsewhere, counted within the vector.
  uint32_t end;
  // The lane that `at` is the beginning of, counted within the vector.
  uint32_t start;
} lane_part;

// The part that holds a lane of a vector that has neither runs nor deltas.
LARDER_INLINE lane_part part_of(const larder_column *column, const larder_vector *header,
                                uint32_t index) {
  const uint8_t *at = column->body + ((size_t)header->offset << 3);
  lane_part part = {at, (uint64_t)header->base, mask_of(header->width), header->width, 1024, 0};
  if (header->kind & FRAMES) {
    uint32_t base_bytes = frame_base_bytes(header->kind);
    at += (size_t)(index >> 6) * (header->width * 8u + base_bytes);
    part.base += load64(at) & mask_of(base_bytes * 8);
    part.at = at + base_bytes;
    part.start = index & ~63u;
    part.end = part.start + 64;
  }
  return part;
}

LARDER_INLINE uint64_t packed_at(const lane_part *part, uint32_t index) {
  size_t bit = (size_t)(index - part->start) * part->width;
  return load64(part->at + (bit >> 3)) >> (bit & 7) & part->mask;
}

// An offset; `is_unread` is set where only the encodings' own reader can tell.
LARDER_INLINE int64_t offset_at(const larder_column *column, uint32_t lane, int *is_unread) {
  const larder_vector *header = column->headers + (lane >> 10);
  if (header->kind & RUNS_OR_DELTAS) {
    *is_unread = 1;
    return 0;
  }
  lane_part part = part_of(column, header, lane & 1023);
  uint64_t word = packed_at(&part, lane & 1023);
  if ((header->kind & PATCHED) && word == part.mask) *is_unread = 1;
  return (int64_t)((part.base + word) * (uint64_t)column->scales[lane >> 16]);
}

LARDER_CLONES
size_t larder_extract_extents(const larder_column *columns, const uint8_t *has_offsets,
                            larder_matches matches, larder_extent *extents, uint16_t *unread) {
  size_t missing = 0;
  for (size_t i = 0; i < matches.count; i++) {
    uint32_t segment = matches.segments[i];
    const larder_column *column = columns + segment;
    uint32_t slot = matches.rows[i];
    extents[i] = (larder_extent){-1, -1};
    if (column->mode != ALL_VALID) {
      if (column->mode == ALL_NULL || !is_valid(column, slot)) continue;
      if (column->mode == SPARSE) slot = rank_of(column, slot);
    }
    int is_unread = !has_offsets[segment];
    if (!is_unread) {
      int64_t start = offset_at(column, slot, &is_unread);
      int64_t end = offset_at(column, slot + 1, &is_unread);
      // Offsets fall only in a damaged file; the reader says where.
      if (end < start) is_unread = 1;
      extents[i] = (larder_extent){start, end};
    }
    if (is_unread) unread[missing++] = (uint16_t)i;
  }
  return missing;
}

void larder_prefetch_extents(const uintptr_t *bases, larder_matches matches,
                           const larder_extent *extents) {
  for (size_t i = 0; i < matches.count; i++) {
    if (extents[i].start < 0) continue;
    uintptr_t base = bases[matches.segments[i]];
    uintptr_t line = (base + (uintptr_t)extents[i].start) & ~(uintptr_t)63;
    uintptr_t end = base + (uintptr_t)extents[i].end;
    // The machine's own prefetching takes over where values are long.
    if (end > line + 256) end = line + 256;
    for (; line < end; line += 64) prefetch((const void *)line);
  }
}

size_t larder_copy_extents(const uintptr_t *bases, larder_matches matches, const larder_extent *extents,
                         uint8_t *target, int32_t *lengths, uint64_t *validity) {
  size_t total = 0;
  for (size_t i = 0; i < matches.count; i++) {
    if (extents[i].start < 0) continue;
    size_t count = (size_t)(extents[i].end - extents[i].start);
    const void *from = (const void *)(bases[matches.segments[i]] + (uintptr_t)extents[i].start);
    memcpy(target + total, from, count);
    total += count;
    uint32_t lane = matches.lanes[i];
    lengths[lane] = (int32_t)count;
    validity[lane >> 6] |= (uint64_t)1 << (lane & 63);
  }
  return total;
}

// Calls BODY for each lane from `index` to `end`, with `value` the integer in it; leaves the loop
// over vectors at one that the kernel does not read.
#define FOR_EACH_LANE(BODY)                                                            \
  for (; done < stop; done++) {                                                        \
    uint64_t word = packed_at(&part, (first + (uint32_t)done) & 1023);                 \
    if (is_patched && word == part.mask) return done;                                  \
    uint64_t value = part.base + word;                                                 \
    BODY                                                                               \
  }

LARDER_CLONES
size_t larder_extract_run(const larder_column *column, uint32_t first, size_t count,
                          larder_form form, void *values) {
  const double *powers = larder_powers_of_ten();
  uint64_t *words = values;
  uint32_t *halves = values;
  uint8_t *bytes = values;
  size_t done = 0;
  while (done < count) {
    uint32_t lane = first + (uint32_t)done, index = lane & 1023;
    const larder_vector *header = column->headers + (lane >> 10);
    if (header->kind & RUNS_OR_DELTAS) return done;
    lane_part part = part_of(column, header, index);
    uint64_t scale = (uint64_t)column->scales[lane >> 16];
    int is_patched = (header->kind & PATCHED) != 0;
    size_t stop = done + (part.end - index);
    if (stop > count) stop = count;
    switch (form) {
      case LARDER_LANES:
        FOR_EACH_LANE(words[done] = value * scale;)
        break;
      case LARDER_DOUBLES:
        FOR_EACH_LANE({
          double number;
          if (header->kind & DECIMAL) {
            number = (double)(int64_t)value / powers[header->aux >> 11];
            memcpy(words + done, &number, 8);
          } else if (header->kind & SINGLE) {
            uint32_t half = (uint32_t)value;
            float single;
            memcpy(&single, &half, 4);
            number = (double)single;
            memcpy(words + done, &number, 8);
          } else {
            words[done] = value;
          }
        })
        break;
      case LARDER_HALVES:
        // Values that do not pack lie as they are.
        if (part.width == 32 && part.base == 0 && scale == 1 && !is_patched) {
          memcpy(halves + done, part.at + (size_t)(index - part.start) * 4, (stop - done) * 4);
          done = stop;
        }
        FOR_EACH_LANE(halves[done] = (uint32_t)(value * scale);)
        break;
      case LARDER_CODES:
        FOR_EACH_LANE(halves[done] = column->codes[value * scale];)
        break;
      case LARDER_DISTINCT:
        FOR_EACH_LANE(words[done] = column->distinct[value * scale];)
        break;
      case LARDER_BITS:
        FOR_EACH_LANE(bytes[done] = (uint8_t)(value * scale & 1);)
        break;
    }
  }
  return done;
}
