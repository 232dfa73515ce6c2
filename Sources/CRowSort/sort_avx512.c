// SPDX-License-Identifier: Apache-2.0
// The sorts for processors with AVX-512 (x86-64-v4).
//
// Partitions compress within registers and store whole vectors: a compressing store to memory is microcode on some
// processors.
#include "lane_orders.h"
#include "row_sort.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#pragma clang attribute push(                                                                    \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt"))),   \
    apply_to = function)

static inline __attribute__((always_inline)) uint32_t first_lanes(long count) {
  return _bzhi_u32(0xFFFF, count < 0 ? 0 : count > 16 ? 16 : (uint32_t)count);
}

// The keys above `bound` go to the end of `other`, the last vector's first; the rest go to the front in their order.
// Writing there never overtakes reading, since at most as many keys have been written as read; likewise what is
// written before the last key that counts in `other` lies within its first `count`.
static long partition_512_32(int32_t *keys, long count, int32_t *other, int32_t bound) {
  const __m512i bounds = _mm512_set1_epi32(bound);
  int32_t *front = keys;
  int32_t *back = other + count;
  long index = 0;
  for (; index + 64 <= count; index += 64) {
    __m512i v[4];
    __mmask16 above[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      v[i] = _mm512_loadu_si512(keys + index + 16 * i);
      above[i] = _mm512_cmpgt_epi32_mask(v[i], bounds);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      const long size = _mm_popcnt_u32(above[i]);
      _mm512_storeu_si512(front, _mm512_maskz_compress_epi32(_knot_mask16(above[i]), v[i]));
      front += 16 - size;
      back -= size;
      _mm512_mask_storeu_epi32(
          back, (__mmask16)_bzhi_u32(0xFFFF, (uint32_t)size),
          _mm512_maskz_compress_epi32(above[i], v[i]));
    }
  }
  for (; index < count; index += 16) {
    const uint32_t lanes = first_lanes(count - index);
    const __m512i v = _mm512_maskz_loadu_epi32((__mmask16)lanes, keys + index);
    const uint32_t above = _mm512_mask_cmpgt_epi32_mask((__mmask16)lanes, v, bounds);
    const long size = _mm_popcnt_u32(above);
    const long rest = _mm_popcnt_u32(lanes) - size;
    back -= size;
    _mm512_mask_storeu_epi32(
        front, (__mmask16)first_lanes(rest),
        _mm512_maskz_compress_epi32((__mmask16)(lanes & ~above), v));
    _mm512_mask_storeu_epi32(
        back, (__mmask16)first_lanes(size), _mm512_maskz_compress_epi32((__mmask16)above, v));
    front += rest;
  }
  return front - keys;
}

static long partition_512_64(int64_t *keys, long count, int64_t *other, int64_t bound) {
  const __m512i bounds = _mm512_set1_epi64(bound);
  int64_t *front = keys;
  int64_t *back = other + count;
  long index = 0;
  for (; index + 32 <= count; index += 32) {
    __m512i v[4];
    uint32_t below[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      v[i] = _mm512_loadu_si512(keys + index + 8 * i);
      below[i] = _mm512_cmple_epi64_mask(v[i], bounds);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      const long size = _mm_popcnt_u32(below[i]);
      const __m512i order =
          _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)&lane_orders[below[i]]));
      const __m512i w = _mm512_permutexvar_epi64(order, v[i]);
      _mm512_storeu_si512(front, w);
      _mm512_storeu_si512(back - 8, w);
      front += size;
      back += size - 8;
    }
  }
  for (; index < count; index += 8) {
    const uint32_t lanes = first_lanes(count - index) & 0xFF;
    const __m512i v = _mm512_maskz_loadu_epi64((__mmask8)lanes, keys + index);
    const uint32_t above = _mm512_mask_cmpgt_epi64_mask((__mmask8)lanes, v, bounds);
    const long size = _mm_popcnt_u32(above);
    const long rest = _mm_popcnt_u32(lanes) - size;
    back -= size;
    _mm512_mask_storeu_epi64(
        front, (__mmask8)first_lanes(rest),
        _mm512_maskz_compress_epi64((__mmask8)(lanes & ~above), v));
    _mm512_mask_storeu_epi64(
        back, (__mmask8)first_lanes(size), _mm512_maskz_compress_epi64((__mmask8)above, v));
    front += rest;
  }
  return front - keys;
}

#define LANES 16
#define KEY int32_t
#define NAMED(name) name##_512_32
#define PARTITION partition_512_32
#define RADIX row_radix_32
#define LOAD_PART(p, c) \
  (Vector_512_32) _mm512_mask_loadu_epi32(_mm512_set1_epi32(INT32_MAX), (__mmask16)first_lanes(c), p)
#define STORE_PART(p, c, v) _mm512_mask_storeu_epi32(p, (__mmask16)first_lanes(c), (__m512i)(v))
#include "vector_sort.h"
#include "vector_group.h"
#include "vector_sort_end.h"

#define LANES 8
#define KEY int64_t
#define NAMED(name) name##_512_64
#define PARTITION partition_512_64
#define RADIX row_radix_64
#define LOAD_PART(p, c)                                                                          \
  (Vector_512_64) _mm512_mask_loadu_epi64(                                                       \
      _mm512_set1_epi64(INT64_MAX), (__mmask8)first_lanes(c), p)
#define STORE_PART(p, c, v) _mm512_mask_storeu_epi64(p, (__mmask8)first_lanes(c), (__m512i)(v))
#include "vector_sort.h"
#include "vector_sort_end.h"

void row_sort_512_32(int32_t *keys, long count, int32_t *spare) {
  quick_512_32(keys, spare, keys, count, INT32_MIN, row_depth_limit(count));
}

void row_group_512_32(
    int32_t *keys, long count, int32_t *spare, const int32_t *edges, long edge_count, long *ends) {
  group_512_32(keys, spare, keys, count, edges, 0, edge_count, 0, ends);
}

void row_sort_512_64(int64_t *keys, long count, int64_t *spare) {
  quick_512_64(keys, spare, keys, count, INT64_MIN, row_depth_limit(count));
}

#pragma clang attribute pop
#endif
