#include "larder_encodings.h"
#include "packed_values.h"
#include "words.h"

void larder_prefetch_headers(const larder_column *columns, larder_matches matches) {
  for (size_t i = 0; i < matches.count; i++) {
    const larder_column *column = columns + matches.segments[i];
    uint32_t row = matches.rows[i];
    // Where lanes are ranks, the header is that of some vector before; it is most likely near.
    prefetch(column->headers + (column->mode == SPARSE ? 0 : row >> 10));
    if (column->mode >= BITMAP) prefetch(column->valid + (row >> 6));
  }
}

LARDER_CLONES
void larder_locate_values(const larder_column *columns, larder_matches matches,
                          larder_place *places) {
  for (size_t i = 0; i < matches.count; i++) {
    const larder_column *column = columns + matches.segments[i];
    larder_place *place = places + i;
    uint32_t row = matches.rows[i];
    if (column->mode != ALL_VALID) {
      if (column->mode == ALL_NULL || !is_valid(column, row)) {
        place->at = NULL;
        continue;
      }
      if (column->mode == SPARSE) row = rank_of(column, row);
    }
    const larder_vector header = column->headers[row >> 10];
    const uint8_t *at = column->body + ((size_t)header.offset << 3);
    uint32_t index = row & 1023;
    if (header.kind & FRAMES && !(header.kind & RUNS_OR_DELTAS)) {
      uint32_t base_bytes = frame_base_bytes(header.kind);
      const uint8_t *frame = at + (size_t)(index >> 6) * (header.width * 8u + base_bytes);
      prefetch(frame);
      index &= 63;
      at = frame + base_bytes + ((index * header.width) >> 3);
      place->frame = (uint32_t)(at - frame);
    } else {
      at += (index * header.width) >> 3;
    }
    place->at = at;
    place->base = header.base;
    place->scale = column->scales[row >> 16];
    place->shift = (uint8_t)((index * header.width) & 7);
    place->width = header.width;
    place->kind = header.kind;
    place->exponent = (uint8_t)(header.aux >> 11);
    prefetch(at);
    prefetch(at + 7);
  }
}

// The lane of a place; `is_unread` is set where only the encodings' own reader can tell.
static inline int64_t lane_at(const larder_place *place, int *is_unread) {
  uint64_t mask = mask_of(place->width);
  uint64_t word = load64(place->at) >> place->shift & mask;
  uint64_t base = (uint64_t)place->base;
  if (place->kind & FRAMES) {
    uint32_t base_bytes = frame_base_bytes(place->kind);
    base += load64(place->at - place->frame) & mask_of(base_bytes * 8);
  }
  *is_unread = (place->kind & PATCHED) && word == mask;
  return (int64_t)(base + word);
}

// Collects bits of ascending lanes, and writes a word when the lanes leave it.
typedef struct {
  uint64_t *words;
  size_t word;
  uint64_t bits;
} bit_writer;

static inline void put_bit(bit_writer *writer, uint32_t lane, uint64_t bit) {
  size_t word = lane >> 6;
  if (word != writer->word) {
    writer->words[writer->word] |= writer->bits;
    writer->word = word;
    writer->bits = 0;
  }
  writer->bits |= bit << (lane & 63);
}

// Reads each place and hands its integer, scaled unless it is a float's, to BODY.
#define FOR_EACH_VALUE(BODY)                                  \
  for (size_t i = 0; i < matches.count; i++) {                \
    const larder_place *place = places + i;                   \
    if (place->at == NULL) continue;                          \
    int is_unread = 0;                                        \
    int64_t value = 0;                                        \
    if (place->kind & RUNS_OR_DELTAS) {                       \
      is_unread = 1;                                          \
    } else {                                                  \
      value = lane_at(place, &is_unread);                     \
    }                                                         \
    if (is_unread) {                                          \
      unread[missing++] = (uint16_t)i;                        \
      continue;                                               \
    }                                                         \
    uint32_t lane = matches.lanes[i];                         \
    put_bit(&valid, lane, 1);                                 \
    BODY                                                      \
  }

LARDER_CLONES
size_t larder_extract_values(const larder_column *columns, larder_matches matches,
                             const larder_place *places, larder_form form, void *values,
                             uint64_t *validity, uint16_t *unread) {
  size_t missing = 0;
  if (matches.count == 0) return 0;
  const double *powers = larder_powers_of_ten();
  uint64_t *words = values;
  uint32_t *halves = values;
  size_t first = matches.lanes[0] >> 6;
  bit_writer valid = {validity, first, 0};
  bit_writer bits = {words, first, 0};
  switch (form) {
    case LARDER_LANES:
      FOR_EACH_VALUE(words[lane] = (uint64_t)value * (uint64_t)place->scale;)
      break;
    case LARDER_DOUBLES:
      FOR_EACH_VALUE({
        double number;
        if (place->kind & DECIMAL) {
          number = (double)value / powers[place->exponent];
          memcpy(words + lane, &number, 8);
        } else if (place->kind & SINGLE) {
          uint32_t half = (uint32_t)value;
          float single;
          memcpy(&single, &half, 4);
          number = (double)single;
          memcpy(words + lane, &number, 8);
        } else {
          words[lane] = (uint64_t)value;
        }
      })
      break;
    case LARDER_HALVES:
      FOR_EACH_VALUE(halves[lane] = (uint32_t)((uint64_t)value * (uint64_t)place->scale);)
      break;
    case LARDER_CODES:
      FOR_EACH_VALUE(
          halves[lane] = columns[matches.segments[i]]
                             .codes[(uint64_t)value * (uint64_t)place->scale];)
      break;
    case LARDER_DISTINCT:
      FOR_EACH_VALUE(
          words[lane] = columns[matches.segments[i]]
                            .distinct[(uint64_t)value * (uint64_t)place->scale];)
      break;
    case LARDER_BITS:
      FOR_EACH_VALUE(put_bit(&bits, lane, (uint64_t)value * (uint64_t)place->scale & 1);)
      bits.words[bits.word] |= bits.bits;
      break;
  }
  valid.words[valid.word] |= valid.bits;
  return missing;
}
