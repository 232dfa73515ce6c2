// SPDX-License-Identifier: Apache-2.0
// The sorts for processors with AVX2 (x86-64-v3).
#include "row_sort.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "lane_orders.h"

#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)

static inline __attribute__((always_inline)) __m256i lanes_in_front(__m256i v, uint32_t lanes) {
  const __m128i bytes = _mm_loadl_epi64((const __m128i *)&lane_orders[lanes]);
  return _mm256_permutevar8x32_epi32(v, _mm256_cvtepu8_epi32(bytes));
}

// The keys above `bound` go to the end of `other`, the last vector's first; the rest go to the front in their order.
// Writing there never overtakes reading, since at most as many keys have been written as read; likewise what is
// written before the last key that counts in `other` lies within its first `count`. Keys of 64 bits are pairs of lanes
// of 32.
#define PARTITION_256(NAME, KEY, BOUNDS, ABOVE)                                              \
  static long NAME(KEY *keys, long count, KEY *other, KEY bound) {                           \
    enum { lanes = 32 / sizeof(KEY), halves = sizeof(KEY) / 4 };                             \
    const __m256i bounds = BOUNDS(bound);                                                    \
    KEY *front = keys;                                                                       \
    KEY *back = other + count;                                                               \
    long index = 0;                                                                          \
    for (; index + lanes <= count; index += lanes) {                                         \
      const __m256i v = _mm256_loadu_si256((const __m256i *)(keys + index));                 \
      const uint32_t below =                                                                 \
          (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(ABOVE(v, bounds))) ^ 0xFF;        \
      const long size = _mm_popcnt_u32(below) / halves;                                      \
      const __m256i ordered = lanes_in_front(v, below);                                      \
      _mm256_storeu_si256((__m256i *)front, ordered);                                        \
      _mm256_storeu_si256((__m256i *)(back - lanes), ordered);                               \
      front += size;                                                                         \
      back += size - lanes;                                                                  \
    }                                                                                        \
    for (; index < count; index++) {                                                         \
      const KEY key = keys[index];                                                           \
      if (key > bound)                                                                       \
        *--back = key;                                                                       \
      else                                                                                   \
        *front++ = key;                                                                      \
    }                                                                                        \
    return front - keys;                                                                     \
  }

PARTITION_256(partition_256_32, int32_t, _mm256_set1_epi32, _mm256_cmpgt_epi32)
PARTITION_256(partition_256_64, int64_t, _mm256_set1_epi64x, _mm256_cmpgt_epi64)

static inline __attribute__((always_inline)) __m256i first_words(long count) {
  const int words = count < 0 ? 0 : count > 8 ? 8 : (int)count;
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(words), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline __attribute__((always_inline)) __m256i load_part(
    const void *from, __m256i words, __m256i rest) {
  return _mm256_blendv_epi8(rest, _mm256_maskload_epi32(from, words), words);
}

#define LANES 8
#define KEY int32_t
#define NAMED(name) name##_256_32
#define PARTITION partition_256_32
#define RADIX row_radix_32
#define LOAD_PART(p, c) \
  (Vector_256_32) load_part(p, first_words(c), _mm256_set1_epi32(INT32_MAX))
#define STORE_PART(p, c, v) _mm256_maskstore_epi32(p, first_words(c), (__m256i)(v))
#include "vector_sort.h"
#include "vector_group.h"
#include "vector_sort_end.h"

#define LANES 4
#define KEY int64_t
#define NAMED(name) name##_256_64
#define PARTITION partition_256_64
#define RADIX row_radix_64
#define LOAD_PART(p, c) \
  (Vector_256_64) load_part(p, first_words(2 * (c)), _mm256_set1_epi64x(INT64_MAX))
#define STORE_PART(p, c, v) _mm256_maskstore_epi32((int *)(p), first_words(2 * (c)), (__m256i)(v))
#include "vector_sort.h"
#include "vector_sort_end.h"

void row_sort_256_32(int32_t *keys, long count, int32_t *spare) {
  quick_256_32(keys, spare, keys, count, INT32_MIN, row_depth_limit(count));
}

void row_group_256_32(
    int32_t *keys, long count, int32_t *spare, const int32_t *edges, long edge_count, long *ends) {
  group_256_32(keys, spare, keys, count, edges, 0, edge_count, 0, ends);
}

void row_sort_256_64(int64_t *keys, long count, int64_t *spare) {
  quick_256_64(keys, spare, keys, count, INT64_MIN, row_depth_limit(count));
}

#pragma clang attribute pop
#endif
