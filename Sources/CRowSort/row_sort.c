// SPDX-License-Identifier: Apache-2.0
// Which sort a processor gets, and the order of doubles with positions.
#include "row_sort.h"

#include "CRowSort.h"

void crow_sort_32(int level, int32_t *keys, long count, int32_t *spare) {
#if defined(__x86_64__)
  if (level >= 4) return row_sort_512_32(keys, count, spare);
  if (level == 3) return row_sort_256_32(keys, count, spare);
#endif
  (void)level;
  row_radix_32(keys, count, spare);
}

void crow_group_32(
    int level, int32_t *keys, long count, int32_t *spare, const int32_t *edges, long edge_count,
    long *ends) {
#if defined(__x86_64__)
  if (level >= 4) return row_group_512_32(keys, count, spare, edges, edge_count, ends);
  if (level == 3) return row_group_256_32(keys, count, spare, edges, edge_count, ends);
#endif
  (void)level;
  row_radix_32(keys, count, spare);
  long place = 0;
  for (long edge = 0; edge < edge_count; edge++) {
    while (place < count && keys[place] <= edges[edge]) place++;
    ends[edge] = place;
  }
}

void crow_sort_64(int level, int64_t *keys, long count, int64_t *spare) {
#if defined(__x86_64__)
  if (level >= 4) return row_sort_512_64(keys, count, spare);
  if (level == 3) return row_sort_256_64(keys, count, spare);
#endif
  (void)level;
  row_radix_64(keys, count, spare);
}

void crow_sort_pairs_of_doubles(
    int level, const double *cells, int64_t *pairs, long count, int64_t *spare) {
  crow_sort_64(level, pairs, count, spare);
  // Where upper halves are equal, lower halves decide: a second key of the same kind, for these cells alone.
  for (long start = 0; start < count;) {
    const int32_t upper = (int32_t)(pairs[start] >> 32);
    long end = start + 1;
    while (end < count && (int32_t)(pairs[end] >> 32) == upper) end += 1;
    if (end - start > 1) {
      for (long index = start; index < end; index++) {
        const uint32_t position = (uint32_t)pairs[index];
        // The low half of a key is unsigned; the sort is of signed numbers.
        const uint32_t lower = (uint32_t)row_key_of_double(cells[position]) ^ UINT32_C(0x80000000);
        pairs[index] = (int64_t)((uint64_t)lower << 32 | position);
      }
      crow_sort_64(level, pairs + start, end - start, spare);
    }
    start = end;
  }
}
