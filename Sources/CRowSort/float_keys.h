// SPDX-License-Identifier: Apache-2.0
// Floats and their keys, one and eight at a time.
#ifndef ESSCHER_FLOAT_KEYS_H
#define ESSCHER_FLOAT_KEYS_H

#include "row_levels.h"

// Cells are read from memory once, faster than processors fetch them ahead on their own: 4 KiB ahead, beyond the row's
// end the next row or nothing.
#define PREFETCH(cells) __builtin_prefetch((cells) + 1024)

// The key of a float, an involution away from its bits: non-negative numbers are complemented, of negative ones only
// the sign turns.
BODY int32_t key_of_float(float cell) {
  const float positive = cell + 0.0f;
  int32_t bits;
  memcpy(&bits, &positive, sizeof bits);
  return bits ^ (INT32_MIN | ~(bits >> 31));
}

BODY double float_of_key(int32_t key) {
  const int32_t bits = key ^ (INT32_MIN | (key >> 31));
  float cell;
  memcpy(&cell, &bits, sizeof cell);
  return cell;
}

BODY Ints keys_of_floats(Ints *largest, const float *cells) {
  const Ints bits = (Ints)(LOAD(Floats, cells) + 0.0f);
  *largest = __builtin_elementwise_max(*largest, bits & INT32_MAX);
  return bits ^ (INT32_MIN | ~(bits >> 31));
}

BODY Doubles floats_of_keys(Ints keys) {
  return __builtin_convertvector((Floats)(keys ^ (INT32_MIN | (keys >> 31))), Doubles);
}

// Bits of a magnitude from here on are infinite or NaN.
enum { infinite = 0x7F800000 };

#endif
