// SPDX-License-Identifier: Apache-2.0
// What one look at a row tells: equal cells; the keys of floats, their extremes and moments.
#include "CRowSort.h"
#include "float_keys.h"
#include "row_levels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

BODY long keep_above_body(const double *cells, long start, long count, double bound, double *kept, long found) {
  for (long index = start; index < count; index++) {
    const double cell = cells[index];
    // Without a branch, which would be taken at random.
    kept[found] = cell;
    found += cell > bound;
  }
  return found;
}

#if defined(__x86_64__)
__attribute__((target(AVX512))) static long keep_above_v4(
    const double *cells, long count, double bound, double *kept) {
  const __m512d bounds = _mm512_set1_pd(bound);
  long found = 0, index = 0;
  // Eight are written each time, of which those beyond the kept ones are written again: there is room, since as many
  // were read.
  for (; index + 8 <= count; index += 8) {
    const __m512d eight = _mm512_loadu_pd(cells + index);
    const __mmask8 above = _mm512_cmp_pd_mask(eight, bounds, _CMP_GT_OQ);
    _mm512_storeu_pd(kept + found, _mm512_maskz_compress_pd(above, eight));
    found += __builtin_popcount(above);
  }
  return keep_above_body(cells, index, count, bound, kept, found);
}
#endif

// Cells whose sums are kept apart, so that they round little in rows however long.
enum { segment = 8192 };

BODY bool survey_body(
    const float *cells, long count, double centre, int32_t *keys, int32_t *range, double *sums) {
  Ints largest = {0};
  Ints low = (Ints){0} + INT32_MAX, high = (Ints){0} + INT32_MIN;
  double first = 0, second = 0;
  long index = 0;
  while (index + 16 <= count) {
    const long end = count - index < segment ? count : index + segment;
    Doubles firsts[2] = {{0}, {0}}, seconds[2] = {{0}, {0}};
    for (; index + 16 <= end; index += 16) {
      PREFETCH(cells + index);
      for (int half = 0; half < 2; half++) {
        const float *eight = cells + index + 8 * half;
        const Ints v = keys_of_floats(&largest, eight);
        STORE(keys + index + 8 * half, v);
        low = __builtin_elementwise_min(low, v);
        high = __builtin_elementwise_max(high, v);
        const Doubles d = __builtin_convertvector(LOAD(Floats, eight), Doubles) - centre;
        const Doubles squares = d * d;
        firsts[half] += d;
        seconds[half] += squares;
      }
    }
    first += total(firsts[0], firsts[1]);
    second += total(seconds[0], seconds[1]);
  }
  int32_t most = __builtin_reduce_max(largest);
  int32_t lowest = __builtin_reduce_min(low), highest = __builtin_reduce_max(high);
  for (; index < count; index++) {
    int32_t bits;
    memcpy(&bits, cells + index, sizeof bits);
    bits &= INT32_MAX;
    most = bits > most ? bits : most;
    const int32_t key = key_of_float(cells[index]);
    keys[index] = key;
    lowest = key < lowest ? key : lowest;
    highest = key > highest ? key : highest;
    const double d = cells[index] - centre;
    const double square = d * d;
    first += d;
    second += square;
  }
  range[0] = lowest;
  range[1] = highest;
  sums[0] = first;
  sums[1] = second;
  return most < infinite;
}

BODY void cells_body(const int32_t *keys, long count, double *cells) {
  long index = 0;
  for (; index + 8 <= count; index += 8) STORE(cells + index, floats_of_keys(LOAD(Ints, keys + index)));
  for (; index < count; index++) cells[index] = float_of_key(keys[index]);
}

LEVELS(long, next_tie, (const double *cells, long start, long count), cells, start, count)
LEVELS(long, equals, (const double *cells, long count, double cell), cells, count, cell)

LEVELS(
    bool, survey,
    (const float *cells, long count, double centre, int32_t *keys, int32_t *range, double *sums), cells,
    count, centre, keys, range, sums)
LEVELS(void, cells, (const int32_t *keys, long count, double *cells), keys, count, cells)

long crow_next_tie(int level, const double *cells, long start, long count) {
  return CALL(next_tie, cells, start, count);
}

long crow_count_equal(int level, const double *cells, long count, double cell) {
  return CALL(equals, cells, count, cell);
}

long crow_keep_above(int level, const double *cells, long count, double bound, double *kept) {
#if defined(__x86_64__)
  if (level >= 4) return keep_above_v4(cells, count, bound, kept);
#endif
  (void)level;
  return keep_above_body(cells, 0, count, bound, kept, 0);
}

bool crow_survey_floats(
    int level, const float *cells, long count, double centre, int32_t *keys, int32_t *range,
    double *sums) {
  return CALL(survey, cells, count, centre, keys, range, sums);
}

void crow_cells_of_keys(int level, const int32_t *keys, long count, double *cells) {
  CALL(cells, keys, count, cells);
}
