#include "larder_encodings.h"
#include "packed_values.h"
#include "words.h"

// Gathering in the order of rows. Neighbouring rows share their vector, so its header is read once
// for all of them, lines are met in ascending order, and no branch within a vector is a guess.

// How many rows ahead lines are fetched.
enum { AHEAD = 32 };
// Rows of history to one pick, below which nothing is fetched ahead.
enum { DENSE = 32 };
// Rows of sparse columns that are turned into slots at a time.
enum { SLOTS = 256 };

// The rows of one vector: where their values lie, and where they go.
typedef struct {
  const larder_column *column;
  const uint8_t *at;
  uint64_t base, scale, mask;
  double power;
  uint32_t width, frame_bytes, base_bytes;
  larder_picks picks;
  void *values;
  uint8_t *valid;
  uint32_t *unread;
} vector_picks;

LARDER_INLINE uint64_t packed_at(const vector_picks *v, uint32_t index, int is_framed) {
  if (!is_framed) {
    uint32_t bit = index * v->width;
    return load64(v->at + (bit >> 3)) >> (bit & 7) & v->mask;
  }
  const uint8_t *frame = v->at + (size_t)(index >> 6) * v->frame_bytes;
  uint32_t bit = (index & 63) * v->width;
  return load64(frame + v->base_bytes + (bit >> 3)) >> (bit & 7) & v->mask;
}

LARDER_INLINE uint64_t frame_base(const vector_picks *v, uint32_t index) {
  return load64(v->at + (size_t)(index >> 6) * v->frame_bytes) & mask_of(v->base_bytes * 8);
}

// Writes an integer as a form wants it; all zeros unless `keep` is all ones.
LARDER_INLINE void write_value(const vector_picks *v, uint32_t place, uint64_t value, uint64_t keep,
                        larder_form form, int flags) {
  uint64_t *words = v->values;
  uint32_t *halves = v->values;
  uint8_t *bytes = v->values;
  switch (form) {
    case LARDER_LANES: words[place] = value * v->scale & keep; break;
    case LARDER_DOUBLES:
      if (flags & DECIMAL) {
        double number = (double)(int64_t)value / v->power;
        memcpy(&value, &number, 8);
      } else if (flags & SINGLE) {
        uint32_t half = (uint32_t)value;
        float single;
        memcpy(&single, &half, 4);
        double number = (double)single;
        memcpy(&value, &number, 8);
      }
      words[place] = value & keep;
      break;
    case LARDER_HALVES: halves[place] = (uint32_t)(value * v->scale & keep); break;
    // What lies under a null is no code.
    case LARDER_CODES:
      halves[place] = v->column->codes[value * v->scale & keep] & (uint32_t)keep;
      break;
    case LARDER_DISTINCT: words[place] = v->column->distinct[value * v->scale & keep] & keep; break;
    case LARDER_BITS: bytes[place] = (uint8_t)(value * v->scale & keep & 1); break;
  }
}

LARDER_INLINE size_t gather_as(const vector_picks *v, larder_form form, int flags, int is_nullable) {
  size_t missing = 0;
  for (size_t i = 0; i < v->picks.count; i++) {
    uint32_t row = v->picks.rows[i], place = v->picks.places[i];
    uint64_t keep = ~(uint64_t)0;
    if (is_nullable) {
      uint64_t bit = is_valid(v->column, row);
      keep = 0 - bit;
      v->valid[place] = (uint8_t)bit;
    }
    uint64_t packed = packed_at(v, row & 1023, flags & FRAMES);
    if (flags & PATCHED && packed == v->mask && keep) {
      v->unread[missing++] = (uint32_t)i;
      continue;
    }
    uint64_t value = v->base + packed;
    if (flags & FRAMES) value += frame_base(v, row & 1023);
    write_value(v, place, value, keep, form, flags);
  }
  return missing;
}

// The kinds of vectors that are common get loops of their own.
LARDER_INLINE size_t gather_kind(const vector_picks *v, larder_form form, uint8_t kind, int is_nullable) {
  int flags = kind & (FRAMES | PATCHED | (form == LARDER_DOUBLES ? DECIMAL | SINGLE : 0));
  switch (flags) {
    case 0: return gather_as(v, form, 0, is_nullable);
    case FRAMES: return gather_as(v, form, FRAMES, is_nullable);
    case PATCHED: return gather_as(v, form, PATCHED, is_nullable);
    case DECIMAL: return gather_as(v, form, DECIMAL, is_nullable);
    case DECIMAL | PATCHED: return gather_as(v, form, DECIMAL | PATCHED, is_nullable);
    default: return gather_as(v, form, flags, is_nullable);
  }
}

LARDER_INLINE size_t gather_form(const vector_picks *v, larder_form form, uint8_t kind) {
  return v->column->mode == BITMAP ? gather_kind(v, form, kind, 1) : gather_kind(v, form, kind, 0);
}

static size_t leave_all(const vector_picks *v) {
  size_t missing = 0;
  for (size_t i = 0; i < v->picks.count; i++) {
    uint64_t bit = 1;
    if (v->column->mode == BITMAP) {
      bit = is_valid(v->column, v->picks.rows[i]);
      v->valid[v->picks.places[i]] = (uint8_t)bit;
    }
    v->unread[missing] = (uint32_t)i;
    missing += bit;
  }
  return missing;
}

// Brings the lines closer in which a row's value begins and ends.
LARDER_INLINE void touch(const larder_column *column, uint32_t row) {
  const larder_vector header = column->headers[row >> 10];
  const uint8_t *at = column->body + ((size_t)header.offset << 3);
  uint32_t index = row & 1023;
  if (header.kind & RUNS_OR_DELTAS) index = 0;
  if (header.kind & FRAMES) {
    at += (size_t)(index >> 6) * (header.width * 8u + frame_base_bytes(header.kind));
    index &= 63;
  }
  at += (index * header.width) >> 3;
  prefetch(at);
  prefetch(at + 7);
}

// Rows that are slots already: every slot holds a value unless the mode is `BITMAP`.
LARDER_CLONES
static size_t gather_slots(const larder_column *column, larder_picks picks, larder_form form,
                           void *values, uint8_t *valid, uint32_t *unread) {
  const double *powers = larder_powers_of_ten();
  size_t missing = 0, touched = 0;
  // Lines that are nearly all met one after the other come by themselves.
  if (picks.count > 0 && picks.rows[picks.count - 1] - picks.rows[0] < DENSE * picks.count) {
    touched = picks.count;
  }
  for (size_t done = 0; done < picks.count;) {
    uint32_t vector = picks.rows[done] >> 10;
    size_t end = done + 1;
    while (end < picks.count && picks.rows[end] >> 10 == vector) end++;
    for (; touched < end + AHEAD && touched < picks.count; touched++) {
      touch(column, picks.rows[touched]);
    }
    const larder_vector header = column->headers[vector];
    vector_picks v = {
        .column = column,
        .at = column->body + ((size_t)header.offset << 3),
        .base = (uint64_t)header.base,
        .scale = (uint64_t)column->scales[vector >> 6],
        .mask = mask_of(header.width),
        .power = header.kind & DECIMAL ? powers[header.aux >> 11] : 1,
        .width = header.width,
        .base_bytes = frame_base_bytes(header.kind),
        .picks = {picks.rows + done, picks.places + done, end - done},
        .values = values,
        .valid = valid,
        .unread = unread + missing,
    };
    v.frame_bytes = v.width * 8u + v.base_bytes;
    size_t left = 0;
    if (header.kind & RUNS_OR_DELTAS) {
      left = leave_all(&v);
    } else {
      switch (form) {
        case LARDER_LANES: left = gather_form(&v, LARDER_LANES, header.kind); break;
        case LARDER_DOUBLES: left = gather_form(&v, LARDER_DOUBLES, header.kind); break;
        case LARDER_HALVES: left = gather_form(&v, LARDER_HALVES, header.kind); break;
        case LARDER_CODES: left = gather_form(&v, LARDER_CODES, header.kind); break;
        case LARDER_DISTINCT: left = gather_form(&v, LARDER_DISTINCT, header.kind); break;
        case LARDER_BITS: left = gather_form(&v, LARDER_BITS, header.kind); break;
      }
    }
    for (size_t i = 0; i < left; i++) unread[missing + i] += (uint32_t)done;
    missing += left;
    done = end;
  }
  return missing;
}

size_t larder_gather_ordered(const larder_column *column, larder_picks picks, larder_form form,
                             void *values, uint8_t *valid, uint32_t *unread) {
  if (column->mode == ALL_NULL) return 0;
  if (column->mode == ALL_VALID && valid != NULL) {
    for (size_t i = 0; i < picks.count; i++) valid[picks.places[i]] = 1;
  }
  if (column->mode != SPARSE) return gather_slots(column, picks, form, values, valid, unread);
  uint32_t slots[SLOTS], places[SLOTS], origins[SLOTS];
  size_t missing = 0;
  for (size_t done = 0; done < picks.count; done += SLOTS) {
    size_t end = picks.count - done < SLOTS ? picks.count : done + SLOTS;
    size_t count = 0;
    for (size_t i = done; i < end; i++) {
      if (!is_valid(column, picks.rows[i])) continue;
      slots[count] = rank_of(column, picks.rows[i]);
      places[count] = picks.places[i];
      origins[count++] = (uint32_t)i;
      valid[picks.places[i]] = 1;
    }
    larder_picks dense = {slots, places, count};
    size_t left = gather_slots(column, dense, form, values, valid, unread + missing);
    for (size_t i = 0; i < left; i++) unread[missing + i] = origins[unread[missing + i]];
    missing += left;
  }
  return missing;
}

LARDER_WIDE_CLONES
void larder_pack_bits(const uint8_t *bytes, size_t count, uint64_t *words) {
  size_t whole = count >> 6;
  for (size_t word = 0; word < whole; word++) {
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
      // The bits of eight bytes move to the top one: each factor's power shifts one of them there.
      uint64_t eight = load64(bytes + word * 64 + i * 8) * 0x0102040810204080u >> 56;
      bits |= eight << (i * 8);
    }
    words[word] = bits;
  }
  if (count & 63) words[whole] = 0;
  for (size_t i = whole << 6; i < count; i++) words[whole] |= (uint64_t)bytes[i] << (i & 63);
}
