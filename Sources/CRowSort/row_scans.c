// SPDX-License-Identifier: Apache-2.0
// Looks for equal cells.
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

LEVELS(long, next_tie, (const double *cells, long start, long count), cells, start, count)
LEVELS(long, equals, (const double *cells, long count, double cell), cells, count, cell)

long crow_next_tie(int level, const double *cells, long start, long count) {
  return CALL(next_tie, cells, start, count);
}

long crow_count_equal(int level, const double *cells, long count, double cell) {
  return CALL(equals, cells, count, cell);
}
