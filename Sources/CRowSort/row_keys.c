// SPDX-License-Identifier: Apache-2.0
// Cells to keys and back. One body of each function, in vectors of eight, compiled for every level; sums have eight
// lanes twice and one tree whatever the level, and nothing is fused.
#include "CRowSort.h"
#include "float_keys.h"
#include "row_levels.h"
#include "row_sort.h"

#include <string.h>

BODY double double_of_key(int64_t key) {
  const int64_t bits = key ^ (INT64_MIN | (key >> 63));
  double cell;
  memcpy(&cell, &bits, sizeof cell);
  return cell;
}

BODY bool keys_body(const float *cells, long count, int32_t *keys) {
  Ints largest = {0};
  long index = 0;
  for (; index + 16 <= count; index += 16) {
    PREFETCH(cells + index);
    STORE(keys + index, keys_of_floats(&largest, cells + index));
    STORE(keys + index + 8, keys_of_floats(&largest, cells + index + 8));
  }
  int32_t most = __builtin_reduce_max(largest);
  for (; index < count; index++) {
    int32_t bits;
    memcpy(&bits, cells + index, sizeof bits);
    bits &= INT32_MAX;
    most = bits > most ? bits : most;
    keys[index] = key_of_float(cells[index]);
  }
  return most < infinite;
}

BODY int64_t pair(int32_t key, long position) {
  return (int64_t)((uint64_t)(uint32_t)key << 32 | (uint32_t)position);
}

BODY bool pairs_body(const float *cells, long count, int64_t *pairs) {
  Ints largest = {0};
  Longs position = {0, 1, 2, 3, 4, 5, 6, 7};
  long index = 0;
  for (; index + 8 <= count; index += 8, position += 8) {
    PREFETCH(cells + index);
    const Ints keys = keys_of_floats(&largest, cells + index);
    STORE(pairs + index, __builtin_convertvector(keys, Longs) << 32 | position);
  }
  int32_t most = __builtin_reduce_max(largest);
  for (; index < count; index++) {
    int32_t bits;
    memcpy(&bits, cells + index, sizeof bits);
    bits &= INT32_MAX;
    most = bits > most ? bits : most;
    pairs[index] = pair(key_of_float(cells[index]), index);
  }
  return most < infinite;
}

BODY bool packed_body(const float *cells, const float *gold, long count, int64_t *pairs) {
  Ints largest = {0};
  long index = 0;
  for (; index + 8 <= count; index += 8) {
    PREFETCH(cells + index);
    PREFETCH(gold + index);
    const Ints keys = keys_of_floats(&largest, cells + index);
    const Ints payload = (Ints)(LOAD(Floats, gold + index) + 0.0f);
    largest = __builtin_elementwise_max(largest, payload & INT32_MAX);
    STORE(
        pairs + index,
        __builtin_convertvector(keys, Longs) << 32 | __builtin_convertvector((Words)payload, Longs));
  }
  int32_t most = __builtin_reduce_max(largest);
  for (; index < count; index++) {
    const float both[2] = {cells[index], gold[index] + 0.0f};
    int32_t bits[2];
    memcpy(bits, both, sizeof bits);
    for (int part = 0; part < 2; part++)
      most = (bits[part] & INT32_MAX) > most ? bits[part] & INT32_MAX : most;
    pairs[index] = pair(key_of_float(cells[index]), (uint32_t)bits[1]);
  }
  return most < infinite;
}

BODY void double_keys_body(const double *cells, long count, int64_t *keys) {
  long index = 0;
  for (; index + 8 <= count; index += 8) {
    const Longs bits = (Longs)(LOAD(Doubles, cells + index) + 0.0);
    STORE(keys + index, bits ^ (INT64_MIN | ~(bits >> 63)));
  }
  for (; index < count; index++) keys[index] = row_key_of_double(cells[index]);
}

BODY void short_keys_body(const double *cells, long count, int32_t *keys) {
  long index = 0;
  for (; index + 8 <= count; index += 8) {
    const Floats floats = __builtin_convertvector(LOAD(Doubles, cells + index), Floats);
    const Ints bits = (Ints)(floats + 0.0f);
    STORE(keys + index, bits ^ (INT32_MIN | ~(bits >> 31)));
  }
  for (; index < count; index++) keys[index] = key_of_float((float)cells[index]);
}

BODY void double_pairs_body(const double *cells, long count, int64_t *pairs) {
  Longs position = {0, 1, 2, 3, 4, 5, 6, 7};
  long index = 0;
  for (; index + 8 <= count; index += 8, position += 8) {
    const Longs bits = (Longs)(LOAD(Doubles, cells + index) + 0.0);
    const Longs keys = bits ^ (INT64_MIN | ~(bits >> 63));
    STORE(pairs + index, (keys & ~INT64_C(0xFFFFFFFF)) | position);
  }
  for (; index < count; index++)
    pairs[index] = pair((int32_t)(row_key_of_double(cells[index]) >> 32), index);
}

// The bodies below differ in how eight cells, or one, come from the keys. Neighbours are compared as cells: the cells
// of the vector with those one place on, which the vector before has not written yet, so from the keys again.
#define CELLS_OF_KEYS(NAME, PARAMETERS, EIGHT, ONE)                            \
  BODY bool NAME PARAMETERS {                                                  \
    Doubles even = {0}, odd = {0};                                             \
    Longs tied = {0};                                                          \
    bool equal = false;                                                        \
    long index = 0;                                                            \
    for (; index + 17 <= count; index += 16) {                                 \
      const Doubles first = EIGHT(index), second = EIGHT(index + 8);           \
      STORE(cells + index, first);                                             \
      STORE(cells + index + 8, second);                                        \
      tied |= NEXT(index) | NEXT(index + 8);                                   \
      even += first;                                                           \
      odd += second;                                                           \
    }                                                                          \
    double rest = total(even, odd);                                            \
    for (; index < count; index++) {                                           \
      const double cell = ONE(index);                                          \
      cells[index] = cell;                                                     \
      equal |= index + 1 < count && ONE(index + 1) == cell;                    \
      rest += cell;                                                            \
    }                                                                          \
    *sum = rest;                                                               \
    return equal || __builtin_reduce_or(tied) != 0;                            \
  }

#define EIGHT(i) floats_of_keys(LOAD(Ints, keys + (i)))
#define ONE(i) float_of_key(keys[i])
#define NEXT(i) __builtin_convertvector(LOAD(Ints, keys + (i)) == LOAD(Ints, keys + (i) + 1), Longs)
CELLS_OF_KEYS(
    floats_body, (const int32_t *keys, long count, double *cells, double *sum), EIGHT, ONE)
#undef EIGHT
#undef ONE
#undef NEXT

#define EIGHT(i) floats_of_keys(__builtin_convertvector(LOAD(Longs, keys + (i)) >> 32, Ints))
#define ONE(i) float_of_key((int32_t)(keys[i] >> 32))
#define NEXT(i) (LOAD(Longs, keys + (i)) >> 32 == LOAD(Longs, keys + (i) + 1) >> 32)
CELLS_OF_KEYS(
    pair_floats_body, (const int64_t *keys, long count, double *cells, double *sum), EIGHT, ONE)
#undef EIGHT
#undef ONE
#undef NEXT

BODY Doubles doubles_of_keys(Longs keys) { return (Doubles)(keys ^ (INT64_MIN | (keys >> 63))); }

#define EIGHT(i) doubles_of_keys(LOAD(Longs, keys + (i)))
#define ONE(i) double_of_key(keys[i])
#define NEXT(i) (LOAD(Longs, keys + (i)) == LOAD(Longs, keys + (i) + 1))
CELLS_OF_KEYS(
    doubles_body, (const int64_t *keys, long count, double *cells, double *sum), EIGHT, ONE)
#undef EIGHT
#undef ONE
#undef NEXT

BODY double payload(int64_t pair) {
  const uint32_t bits = (uint32_t)pair;
  float cell;
  memcpy(&cell, &bits, sizeof cell);
  return cell;
}

BODY bool unpacked_body(
    const int64_t *pairs, long count, double *cells, double *gold, double *sums) {
  Doubles even = {0}, odd = {0};
  const bool tied = pair_floats_body(pairs, count, cells, sums);
  long index = 0;
  for (; index + 16 <= count; index += 16) {
    for (int lane = 0; lane < 16; lane += 8) {
      const Ints bits = __builtin_convertvector(LOAD(Longs, pairs + index + lane), Ints);
      const Doubles eight = __builtin_convertvector((Floats)bits, Doubles);
      STORE(gold + index + lane, eight);
      if (lane == 0)
        even += eight;
      else
        odd += eight;
    }
  }
  double rest = total(even, odd);
  for (; index < count; index++) {
    gold[index] = payload(pairs[index]);
    rest += gold[index];
  }
  sums[1] = rest;
  return tied;
}

BODY bool gather_body(
    const double *source, const int64_t *pairs, long count, double *target, double *sum) {
  Doubles even = {0}, odd = {0};
  Longs tied = {0};
  bool equal = false;
  long index = 0;
  // Vector i − 1 is compared with its neighbours once vector i is known.
  double previous = __builtin_nan("");
  for (; index + 16 <= count; index += 16) {
    double cells[17];
    cells[0] = previous;
    for (int lane = 0; lane < 16; lane++) {
      size_t position = (uint32_t)pairs[index + lane];
      // Sixteen loads are faster than the gather that the compiler would make of them.
      __asm__("" : "+r"(position));
      cells[lane + 1] = source[position] + 0.0;
    }
    const Doubles first = LOAD(Doubles, cells + 1), second = LOAD(Doubles, cells + 9);
    STORE(target + index, first);
    STORE(target + index + 8, second);
    tied |= (LOAD(Doubles, cells) == first) | (LOAD(Doubles, cells + 8) == second);
    previous = cells[16];
    even += first;
    odd += second;
  }
  double rest = total(even, odd);
  for (; index < count; index++) {
    const double cell = source[(uint32_t)pairs[index]] + 0.0;
    target[index] = cell;
    equal |= cell == previous;
    previous = cell;
    rest += cell;
  }
  *sum = rest;
  return equal || __builtin_reduce_or(tied) != 0;
}

LEVELS(bool, keys, (const float *cells, long count, int32_t *keys), cells, count, keys)
LEVELS(bool, pairs, (const float *cells, long count, int64_t *pairs), cells, count, pairs)
LEVELS(
    bool, packed, (const float *cells, const float *gold, long count, int64_t *pairs), cells, gold,
    count, pairs)
LEVELS(void, double_keys, (const double *cells, long count, int64_t *keys), cells, count, keys)
LEVELS(void, short_keys, (const double *cells, long count, int32_t *keys), cells, count, keys)
LEVELS(void, double_pairs, (const double *cells, long count, int64_t *pairs), cells, count, pairs)
LEVELS(
    bool, floats, (const int32_t *keys, long count, double *cells, double *sum), keys, count, cells,
    sum)
LEVELS(
    bool, pair_floats, (const int64_t *keys, long count, double *cells, double *sum), keys, count,
    cells, sum)
LEVELS(
    bool, unpacked,
    (const int64_t *pairs, long count, double *cells, double *gold, double *sums), pairs, count,
    cells, gold, sums)
LEVELS(
    bool, doubles, (const int64_t *keys, long count, double *cells, double *sum), keys, count,
    cells, sum)
LEVELS(
    bool, gather,
    (const double *source, const int64_t *pairs, long count, double *target, double *sum), source,
    pairs, count, target, sum)
bool crow_keys_of_floats(int level, const float *cells, long count, int32_t *keys) {
  return CALL(keys, cells, count, keys);
}

bool crow_pairs_of_floats(int level, const float *cells, long count, int64_t *pairs) {
  return CALL(pairs, cells, count, pairs);
}

bool crow_pack_floats(
    int level, const float *cells, const float *gold, long count, int64_t *pairs) {
  return CALL(packed, cells, gold, count, pairs);
}

void crow_keys_of_doubles(int level, const double *cells, long count, int64_t *keys) {
  CALL(double_keys, cells, count, keys);
}

void crow_short_keys_of_doubles(int level, const double *cells, long count, int32_t *keys) {
  CALL(short_keys, cells, count, keys);
}

void crow_pairs_of_doubles(int level, const double *cells, long count, int64_t *pairs) {
  CALL(double_pairs, cells, count, pairs);
}

bool crow_floats_of_keys(int level, const int32_t *keys, long count, double *cells, double *sum) {
  return CALL(floats, keys, count, cells, sum);
}

bool crow_floats_of_pairs(int level, const int64_t *pairs, long count, double *cells, double *sum) {
  return CALL(pair_floats, pairs, count, cells, sum);
}

bool crow_unpack_floats(
    int level, const int64_t *pairs, long count, double *cells, double *gold, double *sums) {
  return CALL(unpacked, pairs, count, cells, gold, sums);
}

bool crow_doubles_of_keys(int level, const int64_t *keys, long count, double *cells, double *sum) {
  return CALL(doubles, keys, count, cells, sum);
}

bool crow_gather(
    int level, const double *cells, const int64_t *pairs, long count, double *target, double *sum) {
  return CALL(gather, cells, pairs, count, target, sum);
}
