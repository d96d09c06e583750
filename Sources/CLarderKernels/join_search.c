#include "larder_join.h"

#include <math.h>

#include "packed_times.h"
#include "words.h"

// Clang turns a choice with this hint into a conditional move; without it, it may choose a jump, and
// the jump is wrong half of the time.
#if defined(__has_builtin)
#if __has_builtin(__builtin_unpredictable)
#define LARDER_UNPREDICTABLE(x) __builtin_unpredictable(x)
#endif
#endif
#ifndef LARDER_UNPREDICTABLE
#define LARDER_UNPREDICTABLE(x) (x)
#endif

// Runs that step through their fences together.
#define TOGETHER 128
// Runs of more fences than this begin with a guess.
#define DIRECT_FENCES 8
// Rows searched to either side of a guess within a block.
#define WINDOW 8

// The fences within a run: those of rows after its first, or of its first where that has one.
LARDER_INLINE const int64_t *fences_of(const larder_run *run, const larder_times *times,
                                       uint32_t *count) {
  uint32_t first = (run->start + 63) >> 6;
  *count = ((run->end + 63) >> 6) - first;
  return times[run->segment].fences + first;
}

// The share of a span of time that lies before a key, within 0 to 1.
LARDER_INLINE double share_before(int64_t key, int64_t from, int64_t to) {
  double span = (double)to - (double)from;
  double part = (double)key - (double)from;
  if (!(part > 0)) return 0;
  return part < span ? part / span : 1;
}

typedef struct {
  const int64_t *base[TOGETHER];
  const int64_t *fences[TOGETHER];
  uint32_t left[TOGETHER];
  uint32_t counts[TOGETHER];
  uint32_t from[TOGETHER];
  uint32_t to[TOGETHER];
  uint16_t guessed[TOGETHER];
} fence_lanes;

// Chooses the fences to begin with: all of them, or some around a guess.
LARDER_INLINE size_t begin(fence_lanes *state, const larder_run *runs, size_t lanes,
                           const larder_times *times) {
  size_t guessed = 0;
  for (size_t lane = 0; lane < lanes; lane++) {
    const larder_run *run = runs + lane;
    uint32_t count;
    const int64_t *fences = fences_of(run, times, &count);
    state->fences[lane] = fences;
    state->counts[lane] = count;
    state->base[lane] = fences;
    state->left[lane] = count;
    if (count <= DIRECT_FENCES) {
      // The fence before the run's first own one is that of its first block.
      prefetch(fences - ((run->start & 63) != 0));
      if (count > 1) prefetch(fences + count - 1);
      continue;
    }
    // Of evenly spread events, the one at a given share of the time is off by about the square root
    // of their number; three times that, in fences.
    uint32_t reach = 2 + (uint32_t)(0.2f * sqrtf((float)count));
    uint32_t guess = (uint32_t)(share_before(run->key, run->first, run->last) * (double)count);
    state->from[lane] = guess > reach ? guess - reach : 0;
    state->to[lane] = guess + reach < count ? guess + reach : count;
    prefetch(fences + (state->from[lane] > 0 ? state->from[lane] - 1 : 0));
    prefetch(fences + (state->to[lane] < count ? state->to[lane] : count - 1));
    prefetch(fences + guess);
    state->guessed[guessed++] = (uint16_t)lane;
  }
  return guessed;
}

// Looks whether the guesses hold; where they do not, all fences on their other side are left.
LARDER_INLINE void confirm(fence_lanes *state, const larder_run *runs, size_t guessed) {
  for (size_t k = 0; k < guessed; k++) {
    uint32_t lane = state->guessed[k];
    const int64_t *fences = state->fences[lane];
    uint32_t from = state->from[lane], to = state->to[lane], count = state->counts[lane];
    int64_t key = runs[lane].key;
    if (from > 0 && fences[from - 1] > key) {
      to = from - 1;
      from = 0;
    } else if (to < count && fences[to] <= key) {
      from = to + 1;
      to = count;
    }
    state->base[lane] = fences + from;
    state->left[lane] = to - from;
    prefetch(fences + from + ((to - from) >> 1));
  }
}

// Counts the fences that are not after the keys, all lanes a step at a time.
LARDER_INLINE void count_not_after(fence_lanes *state, const larder_run *runs, size_t lanes) {
  uint16_t active[TOGETHER];
  size_t running = 0;
  for (size_t lane = 0; lane < lanes; lane++) {
    active[running] = (uint16_t)lane;
    running += state->left[lane] > 0;
  }
  while (running > 0) {
    size_t kept = 0;
    for (size_t k = 0; k < running; k++) {
      uint32_t lane = active[k];
      uint32_t half = (state->left[lane] + 1) >> 1;
      const int64_t *at = state->base[lane];
      at = LARDER_UNPREDICTABLE(at[half - 1] <= runs[lane].key) ? at + half : at;
      state->base[lane] = at;
      // Both sides go on with as many values as the longer one has. The shorter one then takes in
      // the probe again, which is known to be greater and changes nothing.
      uint32_t rest = state->left[lane] - half;
      state->left[lane] = rest;
      prefetch(at + (rest >> 1));
      active[kept] = (uint16_t)lane;
      kept += rest > 0;
    }
    running = kept;
  }
}

// Narrows a run down to a block.
LARDER_INLINE void narrow(larder_run *run, const int64_t *fences, uint32_t count,
                          uint32_t not_after, const larder_times *times) {
  uint32_t first = (run->start + 63) >> 6;
  run->low = run->start;
  run->high = run->end;
  if (not_after > 0) {
    run->low = (first + not_after - 1) << 6;
    run->event = fences[not_after - 1];
  } else {
    run->event = times->fences[run->start >> 6];
  }
  if (not_after < count) run->high = (first + not_after) << 6;
  prefetch(times->headers + (run->low >> 10));
}

LARDER_CLONES
void larder_locate_blocks(larder_run *runs, size_t count, const larder_times *times) {
  fence_lanes state;
  for (size_t done = 0; done < count; done += TOGETHER) {
    size_t lanes = count - done < TOGETHER ? count - done : TOGETHER;
    larder_run *group = runs + done;
    confirm(&state, group, begin(&state, group, lanes, times));
    count_not_after(&state, group, lanes);
    for (size_t lane = 0; lane < lanes; lane++) {
      uint32_t not_after = (uint32_t)(state.base[lane] - state.fences[lane]);
      narrow(group + lane, state.fences[lane], state.counts[lane], not_after,
             times + group[lane].segment);
    }
  }
}

// Guesses where in a block the row is: between the block's fences, or the run's ends.
LARDER_INLINE uint32_t guess_in(const larder_run *run, const larder_times *times) {
  int64_t left = run->low == run->start ? run->first : run->event;
  int64_t right = run->last;
  uint32_t right_row = run->end - 1;
  if (run->high < run->end) {
    right = times->fences[run->high >> 6];
    right_row = run->high;
  }
  uint32_t guess = run->low + (uint32_t)(share_before(run->key, left, right) * (right_row - run->low));
  return guess < run->high ? guess : run->high - 1;
}

// Brings the lines closer in which the row is most likely found.
LARDER_INLINE void touch(larder_run *run, const larder_times *all) {
  if (run->low >= run->high) return;
  const larder_times *times = all + run->segment;
  run->guess = run->low;
  if (run->high - run->low > LARDER_SHORT_RUN) run->guess = guess_in(run, times);
  packed_block block = block_of(times, run->low);
  uint32_t near = run->low, far = run->high - 1;
  if (far - near >= LARDER_SHORT_RUN) {
    near = run->guess > near + WINDOW ? run->guess - WINDOW : near;
    far = run->guess + WINDOW < far ? run->guess + WINDOW : far;
  }
  const uint8_t *from = block.start + ((uint64_t)(near - block.first) * block.width >> 3);
  const uint8_t *to = block.start + ((uint64_t)(far - block.first) * block.width >> 3) + 7;
  for (const uint8_t *line = from; line < to; line += 64) prefetch(line);
  prefetch(to);
  prefetch(block.start - 8);
}

// Runs whose rows are found together.
#define GROUP 32

// Blocks whose rows are narrowed down side by side.
typedef struct {
  packed_block block[GROUP];
  int64_t key[GROUP];
  uint32_t from[GROUP];
  // The row is one of so many from `from` on, or the one before them.
  uint32_t left[GROUP];
  uint32_t run[GROUP];
} row_lanes;

// Narrows a block down to some rows around the guess, or to one side of them where it fails.
LARDER_INLINE void guess_rows(row_lanes *state, uint32_t lane, const larder_run *run) {
  const packed_block *block = &state->block[lane];
  uint32_t low = run->low, high = run->high;
  uint32_t from = low, to = high;
  if (high - low > LARDER_SHORT_RUN) {
    uint32_t near = run->guess > low + WINDOW ? run->guess - WINDOW : low;
    uint32_t far = run->guess + WINDOW < high - 1 ? run->guess + WINDOW + 1 : high;
    if (near > low && time_at(block, near) > run->key) {
      to = near;
    } else {
      from = near;
      if (far < high) {
        if (time_at(block, far) > run->key) {
          to = far;
        } else {
          from = far;
        }
      }
    }
  }
  state->from[lane] = from;
  state->left[lane] = to - from;
}

// Takes a run into a lane; says whether there is anything to find.
LARDER_INLINE uint32_t take(row_lanes *state, uint32_t lane, larder_run *run,
                            const larder_times *all) {
  run->row = LARDER_NO_ROW;
  if (run->low >= run->high) return 0;
  const larder_times *times = all + run->segment;
  if (is_unread(times, run->low)) {
    run->row = LARDER_UNREAD_ROW;
    return 0;
  }
  state->block[lane] = times_of(times, run->low, run->event);
  state->key[lane] = run->key;
  guess_rows(state, lane, run);
  return 1;
}

// Finds the last rows of up to `GROUP` blocks that are not after their keys.
LARDER_INLINE size_t find_group(larder_run *runs, size_t count, const larder_times *times) {
  row_lanes state;
  uint32_t lanes = 0, longest = 0;
  size_t unread = 0;
  for (size_t i = 0; i < count; i++) {
    state.run[lanes] = (uint32_t)i;
    uint32_t taken = take(&state, lanes, runs + i, times);
    if (taken) longest = state.left[lanes] > longest ? state.left[lanes] : longest;
    lanes += taken;
    unread += runs[i].row == LARDER_UNREAD_ROW;
  }
  // One lane's steps wait for each other; those of different lanes overlap. A lane that is done
  // probes its last row again and stays.
  for (; longest > 1; longest -= longest >> 1) {
    for (uint32_t lane = 0; lane < lanes; lane++) {
      uint32_t half = state.left[lane] >> 1, from = state.from[lane];
      uint32_t probe = from + half - (half > 0);
      from = LARDER_UNPREDICTABLE(time_at(&state.block[lane], probe) <= state.key[lane])
                 ? from + half
                 : from;
      state.from[lane] = from;
      state.left[lane] -= half;
    }
  }
  for (uint32_t lane = 0; lane < lanes; lane++) {
    larder_run *run = runs + state.run[lane];
    uint32_t from = state.from[lane];
    if (state.left[lane]) from += time_at(&state.block[lane], from) <= state.key[lane];
    if (from == run->low) continue;
    run->row = from - 1;
    run->event = time_at(&state.block[lane], from - 1);
  }
  return unread;
}

LARDER_CLONES
size_t larder_find_rows(larder_run *runs, size_t count, const larder_times *times) {
  size_t unread = 0;
  for (size_t i = 0; i < GROUP && i < count; i++) touch(runs + i, times);
  for (size_t done = 0; done < count; done += GROUP) {
    size_t end = done + GROUP < count ? done + GROUP : count;
    for (size_t i = end; i < end + GROUP && i < count; i++) touch(runs + i, times);
    unread += find_group(runs + done, end - done, times);
  }
  return unread;
}
