// SPDX-License-Identifier: Apache-2.0
// The portable sort: least significant digit first on bytes, insertion where keys are few.
#include "row_sort.h"

#include <stdbool.h>
#include <string.h>

// Below this many keys insertion is faster than the histograms.
enum { insertion_limit = 48 };

#define RADIX_SORT(NAME, KEY, WORD)                                                            \
  void NAME(KEY *keys, long count, KEY *spare) {                                               \
    if (count <= insertion_limit) {                                                            \
      for (long index = 1; index < count; index++) {                                           \
        const KEY key = keys[index];                                                           \
        long hole = index;                                                                     \
        for (; hole > 0 && keys[hole - 1] > key; hole--) keys[hole] = keys[hole - 1];          \
        keys[hole] = key;                                                                      \
      }                                                                                        \
      return;                                                                                  \
    }                                                                                          \
    enum { digits = sizeof(KEY) };                                                             \
    const WORD sign = (WORD)1 << (8 * digits - 1);                                             \
    uint32_t places[digits][256];                                                              \
    memset(places, 0, sizeof places);                                                          \
    for (long index = 0; index < count; index++) {                                             \
      const WORD word = (WORD)keys[index] ^ sign;                                              \
      for (int digit = 0; digit < digits; digit++) places[digit][word >> 8 * digit & 255]++;   \
    }                                                                                          \
    KEY *source = keys;                                                                        \
    KEY *target = spare;                                                                       \
    for (int digit = 0; digit < digits; digit++) {                                             \
      uint32_t *const place = places[digit];                                                   \
      /* A digit that all keys share moves nothing. */                                         \
      if (place[((WORD)source[0] ^ sign) >> 8 * digit & 255] == (uint32_t)count) continue;     \
      uint32_t next = 0;                                                                       \
      for (int value = 0; value < 256; value++) {                                              \
        const uint32_t size = place[value];                                                    \
        place[value] = next;                                                                   \
        next += size;                                                                          \
      }                                                                                        \
      for (long index = 0; index < count; index++) {                                           \
        const KEY key = source[index];                                                         \
        target[place[((WORD)key ^ sign) >> 8 * digit & 255]++] = key;                          \
      }                                                                                        \
      KEY *const sorted = target;                                                              \
      target = source;                                                                         \
      source = sorted;                                                                         \
    }                                                                                          \
    if (source != keys) memcpy(keys, source, (size_t)count * sizeof(KEY));                     \
  }

RADIX_SORT(row_radix_32, int32_t, uint32_t)
RADIX_SORT(row_radix_64, int64_t, uint64_t)
