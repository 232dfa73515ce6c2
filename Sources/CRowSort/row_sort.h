// SPDX-License-Identifier: Apache-2.0
// What the files of this target share.
#ifndef ESSCHER_ROW_SORT_H
#define ESSCHER_ROW_SORT_H

#include <stdint.h>
#include <string.h>

// A signed integer whose order is the reverse of the doubles'; −0 counts as +0.
static inline __attribute__((always_inline)) int64_t row_key_of_double(double cell) {
  const double positive = cell + 0.0;
  int64_t bits;
  memcpy(&bits, &positive, sizeof bits);
  return bits ^ (INT64_MIN | ~(bits >> 63));
}

// Partitions on a path before the rest is left to the radix sort. Medians of samples halve a row of n keys down to
// 256 in about log2(n) - 8 steps; no row of honest keys comes near 12 steps more.
static inline int row_depth_limit(long count) {
  int depth = 4;
  while (count > 1) {
    count >>= 1;
    depth += 1;
  }
  return depth;
}

// Least significant digit first, in time proportional to `count` whatever the keys.
void row_radix_32(int32_t *keys, long count, int32_t *spare);
void row_radix_64(int64_t *keys, long count, int64_t *spare);

#if defined(__x86_64__)
void row_group_256_32(
    int32_t *keys, long count, int32_t *spare, const int32_t *edges, long edge_count, long *ends);
void row_group_512_32(
    int32_t *keys, long count, int32_t *spare, const int32_t *edges, long edge_count, long *ends);
void row_sort_256_32(int32_t *keys, long count, int32_t *spare);
void row_sort_256_64(int64_t *keys, long count, int64_t *spare);
void row_sort_512_32(int32_t *keys, long count, int32_t *spare);
void row_sort_512_64(int64_t *keys, long count, int64_t *spare);
#endif

#endif
