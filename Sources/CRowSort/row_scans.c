// SPDX-License-Identifier: Apache-2.0
// Looks for equal cells, and for the extremes of keys.
#include "CRowSort.h"
#include "row_levels.h"

BODY long next_tie_body(const double *cells, long start, long count) {
  long index = start;
  for (; index + 33 <= count; index += 32) {
    Longs tied = {0};
    for (int lane = 0; lane < 32; lane += 8)
      tied |= LOAD(Doubles, cells + index + lane) == LOAD(Doubles, cells + index + lane + 1);
    if (__builtin_reduce_or(tied) != 0) break;
  }
  for (; index + 1 < count; index++) {
    if (cells[index] == cells[index + 1]) return index;
  }
  return count;
}

BODY long equals_body(const double *cells, long count, double cell) {
  Longs equal = {0};
  long index = 0;
  for (; index + 8 <= count; index += 8) equal -= LOAD(Doubles, cells + index) == cell;
  long found = __builtin_reduce_add(equal);
  for (; index < count; index++) found += cells[index] == cell;
  return found;
}

BODY void extremes_body(const int32_t *keys, long count, int32_t *range) {
  int32_t lowest = keys[0], highest = keys[0];
  long index = 0;
  if (count >= 16) {
    Ints low[2] = {LOAD(Ints, keys), LOAD(Ints, keys + 8)};
    Ints high[2] = {low[0], low[1]};
    for (; index + 16 <= count; index += 16) {
      for (int half = 0; half < 2; half++) {
        const Ints v = LOAD(Ints, keys + index + 8 * half);
        low[half] = __builtin_elementwise_min(low[half], v);
        high[half] = __builtin_elementwise_max(high[half], v);
      }
    }
    lowest = __builtin_reduce_min(__builtin_elementwise_min(low[0], low[1]));
    highest = __builtin_reduce_max(__builtin_elementwise_max(high[0], high[1]));
  }
  for (; index < count; index++) {
    lowest = keys[index] < lowest ? keys[index] : lowest;
    highest = keys[index] > highest ? keys[index] : highest;
  }
  range[0] = lowest;
  range[1] = highest;
}

LEVELS(long, next_tie, (const double *cells, long start, long count), cells, start, count)
LEVELS(long, equals, (const double *cells, long count, double cell), cells, count, cell)

LEVELS(void, extremes, (const int32_t *keys, long count, int32_t *range), keys, count, range)

long crow_next_tie(int level, const double *cells, long start, long count) {
  return CALL(next_tie, cells, start, count);
}

long crow_count_equal(int level, const double *cells, long count, double cell) {
  return CALL(equals, cells, count, cell);
}

void crow_range_of_keys(int level, const int32_t *keys, long count, int32_t *range) {
  CALL(extremes, keys, count, range);
}
