#line 2 "radix_sort.cl"
// SPDX-License-Identifier: Apache-2.0
// radix_sort.cl: the sort of row_sort.cl on GPUs where rows are long: a radix sort in tiles, least significant digit
// first.
// Layout:  keys and order as in row_sort.cl. tallies[(first tile of the row) * RADIX_BINS + digit * tiles + tile], where
//          a row's first tile is offset / SORT_BLOCK + row; totals[row * RADIX_BINS + digit].
// Launch:  row_sort_keys once; then for each digit row_sort_count, work-groups (tile of SORT_BLOCK samples, row),
//          row_sort_scan, (digit, row), and row_sort_scatter, (tile, row).
// Macros:  those of merge_sort.cl; WG_SIZE at most 256.
// Method:  tiles count their digits, each digit's counts are added up over the tiles, and tiles put their samples in the
//          order of the digit, by two stable splits of four bits in local memory, and write them run by run. Samples of
//          one digit keep their order, so ties are as everywhere. No tile waits for another within a kernel.
// Mirrors: EsscherCPU/RowSort.swift.

#ifndef ESSCHER_MERGE_SORT
#include "merge_sort.cl"
#endif
#define RADIX_BITS 8
#define RADIX_BINS (1 << RADIX_BITS)
// A split's digits, and its counts: each lane has one of each digit.
#define SPLIT_BITS (RADIX_BITS / 2)
#define SPLIT_BINS (1 << SPLIT_BITS)
#define RADIX_SHARE (RADIX_BINS / WG_SIZE)

#if WG_SIZE > 1
// Where an item of a tile lies in local memory: a lane's items are WG_SIZE + 1 apart.
INLINE uint home_of(const uint item) { return item % SORT_ITEMS * (WG_SIZE + 1) + item / SORT_ITEMS; }

// Sum of the values of the lanes before this one.
INLINE uint sum_before(const uint value, __local uint *sums) {
  const uint lane = get_local_id(0);
  BARRIER(CLK_LOCAL_MEM_FENCE);
  sums[lane] = value;
  BARRIER(CLK_LOCAL_MEM_FENCE);
  for (uint apart = 1; apart < WG_SIZE; apart *= 2) {
    const uint other = lane >= apart ? sums[lane - apart] : 0;
    BARRIER(CLK_LOCAL_MEM_FENCE);
    sums[lane] += other;
    BARRIER(CLK_LOCAL_MEM_FENCE);
  }
  return sums[lane] - value;
}

// Puts a tile's samples in the order of four bits of their keys; samples that share them keep their order.
INLINE void split(__local ulong *key_store, __local uint *place_store, const uint shift, __local ushort *tally,
                  __local uint *sums, const int is_short) {
  const uint lane = get_local_id(0);
  ulong key[SORT_ITEMS];
  uint place[SORT_ITEMS], rank[SORT_ITEMS];
#pragma unroll
  for (int bin = 0; bin < SPLIT_BINS; bin++) tally[bin * WG_SIZE + lane] = 0;
#pragma unroll
  for (int i = 0; i < SORT_ITEMS; i++) {
    key[i] = key_store[i * (WG_SIZE + 1) + lane];
    place[i] = is_short ? 0 : place_store[i * (WG_SIZE + 1) + lane];
    rank[i] = tally[(uint)(key[i] >> shift & (SPLIT_BINS - 1)) * WG_SIZE + lane]++;
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
  // Digit by digit, and each digit lane by lane.
  uint own = 0;
#pragma unroll
  for (int i = 0; i < SPLIT_BINS; i++) own += tally[lane * SPLIT_BINS + i];
  uint before = sum_before(own, sums);
#pragma unroll
  for (int i = 0; i < SPLIT_BINS; i++) {
    const uint here = tally[lane * SPLIT_BINS + i];
    tally[lane * SPLIT_BINS + i] = (ushort)before;
    before += here;
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
#pragma unroll
  for (int i = 0; i < SORT_ITEMS; i++) {
    const uint home = home_of(rank[i] + tally[(uint)(key[i] >> shift & (SPLIT_BINS - 1)) * WG_SIZE + lane]);
    key_store[home] = key[i];
    if (!is_short) place_store[home] = place[i];
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
}

// Writes a tile's samples to where their digit's begin.
INLINE void scatter_tile(__global const ulong *keys, __global ulong *sorted_keys, __global const uint *order,
                         __global uint *sorted_order, __global const uint *tallies, __global const uint *totals,
                         const uint tile, const uint tiles, const uint count, const uint shift,
                         __local ulong *key_store, __local uint *place_store, __local ushort *tally,
                         __local uint *sums, __local uint *begins, const int is_short) {
  const uint lane = get_local_id(0);
  const uint start = tile * SORT_BLOCK;
  const uint valid = start < count ? min((uint)SORT_BLOCK, count - start) : 0;
#pragma unroll
  for (int i = 0; i < SORT_ITEMS; i++) {
    const uint item = i * WG_SIZE + lane;
    // Padding comes after all samples, whatever the digit.
    key_store[home_of(item)] = item < valid ? keys[start + item] : 0xFFFFFFFFFFFFFFFFUL;
    if (!is_short) place_store[home_of(item)] = item < valid ? order[start + item] : 0;
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
  split(key_store, place_store, shift, tally, sums, is_short);
  split(key_store, place_store, shift + SPLIT_BITS, tally, sums, is_short);
  uint own = 0;
#pragma unroll
  for (int i = 0; i < RADIX_SHARE; i++) own += totals[lane * RADIX_SHARE + i];
  uint before = sum_before(own, sums);
#pragma unroll
  for (int i = 0; i < RADIX_SHARE; i++) {
    const uint digit = lane * RADIX_SHARE + i;
    begins[digit] = before + (tile < tiles ? tallies[digit * tiles + tile] : 0);
    before += totals[digit];
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
  // From where a digit's samples begin in the row take where they begin in the tile; the first begin at 0 there.
#pragma unroll
  for (int i = 0; i < SORT_ITEMS; i++) {
    const uint item = i * WG_SIZE + lane;
    const uint digit = key_store[home_of(item)] >> shift & (RADIX_BINS - 1);
    const uint after = min(item + 1, SORT_BLOCK - 1U);
    const uint next = key_store[home_of(after)] >> shift & (RADIX_BINS - 1);
    if (next != digit) begins[next] -= after;
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
#pragma unroll
  for (int i = 0; i < SORT_ITEMS; i++) {
    const uint item = i * WG_SIZE + lane;
    const ulong key = key_store[home_of(item)];
    if (item < valid) {
      const uint target = begins[key >> shift & (RADIX_BINS - 1)] + item;
      sorted_keys[target] = key;
      if (!is_short) sorted_order[target] = place_store[home_of(item)];
    }
  }
}
#endif

// Keys, and positions where keys do not carry them; work-groups (tile, row).
__kernel void row_sort_keys(__global const double *restrict values, __global ulong *restrict keys,
                            __global uint *restrict order, __global const ulong *restrict offsets,
                            __global const uint *restrict counts, const uint flags) {
#if WG_SIZE > 1
  const size_t row = get_group_id(1);
  const ulong offset = offsets[row];
  const uint count = counts[row];
  const uint start = get_group_id(0) * SORT_BLOCK;
  for (uint item = get_local_id(0); item < SORT_BLOCK; item += WG_SIZE) {
    const uint index = start + item;
    if (index < count) {
      const double x = values[offset + index];
      keys[offset + index] = flags & HAS_SHORT_KEYS ? short_key_of(x, index) : key_of(x);
      if (!(flags & HAS_SHORT_KEYS)) order[offset + index] = index;
    }
  }
#endif
}

// How many samples of each tile have each digit; work-groups (tile, row).
__kernel void row_sort_count(__global const ulong *restrict keys, __global uint *restrict tallies,
                             __global const ulong *restrict offsets, __global const uint *restrict counts,
                             const uint shift) {
#if WG_SIZE > 1
  __local uint bins[RADIX_BINS];
  const size_t row = get_group_id(1);
  const uint lane = get_local_id(0);
  const uint count = counts[row];
  const uint tile = get_group_id(0), tiles = (count + SORT_BLOCK - 1) / SORT_BLOCK;
  __global const ulong *key = keys + offsets[row];
  for (uint bin = lane; bin < RADIX_BINS; bin += WG_SIZE) bins[bin] = 0;
  BARRIER(CLK_LOCAL_MEM_FENCE);
  for (uint item = lane; item < SORT_BLOCK; item += WG_SIZE) {
    const uint index = tile * SORT_BLOCK + item;
    // Sums of integers: the order of the lanes leaves no trace.
    if (index < count) atomic_inc(bins + (uint)(key[index] >> shift & (RADIX_BINS - 1)));
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
  __global uint *tally = tallies + (offsets[row] / SORT_BLOCK + row) * RADIX_BINS;
  if (tile < tiles)
    for (uint bin = lane; bin < RADIX_BINS; bin += WG_SIZE) tally[bin * tiles + tile] = bins[bin];
#endif
}

// Makes of a digit's counts where each tile's samples begin among the digit's, and their sum; work-groups (digit, row).
__kernel void row_sort_scan(__global uint *restrict tallies, __global uint *restrict totals,
                            __global const ulong *restrict offsets, __global const uint *restrict counts) {
#if WG_SIZE > 1
  __local uint sums[WG_SIZE];
  const size_t row = get_group_id(1);
  const uint lane = get_local_id(0);
  const uint digit = get_group_id(0);
  const uint tiles = (counts[row] + SORT_BLOCK - 1) / SORT_BLOCK;
  __global uint *tally = tallies + (offsets[row] / SORT_BLOCK + row) * RADIX_BINS + (size_t)digit * tiles;
  const uint share = (tiles + WG_SIZE - 1) / WG_SIZE;
  const uint start = min(lane * share, tiles), end = min(start + share, tiles);
  uint own = 0;
  for (uint tile = start; tile < end; tile++) own += tally[tile];
  uint before = sum_before(own, sums);
  for (uint tile = start; tile < end; tile++) {
    const uint here = tally[tile];
    tally[tile] = before;
    before += here;
  }
  if (lane == WG_SIZE - 1) totals[row * RADIX_BINS + digit] = before;
#endif
}

__kernel void row_sort_scatter(__global const ulong *restrict keys, __global ulong *restrict sorted_keys,
                               __global const uint *restrict order, __global uint *restrict sorted_order,
                               __global const uint *restrict tallies, __global const uint *restrict totals,
                               __global const ulong *restrict offsets, __global const uint *restrict counts,
                               const uint shift) {
#if WG_SIZE > 1
  __local ulong key_store[SORT_ITEMS * (WG_SIZE + 1)];
  __local uint place_store[SORT_ITEMS * (WG_SIZE + 1)];
  __local ushort tally[SPLIT_BINS * WG_SIZE];
  __local uint sums[WG_SIZE], begins[RADIX_BINS];
  const size_t row = get_group_id(1);
  const ulong offset = offsets[row];
  const uint tiles = (counts[row] + SORT_BLOCK - 1) / SORT_BLOCK;
  scatter_tile(keys + offset, sorted_keys + offset, order + offset, sorted_order + offset,
               tallies + (offset / SORT_BLOCK + row) * RADIX_BINS, totals + row * RADIX_BINS, get_group_id(0), tiles,
               counts[row], shift, key_store, place_store, tally, sums, begins, 0);
#endif
}

__kernel void row_sort_scatter_short(__global const ulong *restrict keys, __global ulong *restrict sorted_keys,
                                     __global const uint *restrict order, __global uint *restrict sorted_order,
                                     __global const uint *restrict tallies, __global const uint *restrict totals,
                                     __global const ulong *restrict offsets, __global const uint *restrict counts,
                                     const uint shift) {
#if WG_SIZE > 1
  __local ulong key_store[SORT_ITEMS * (WG_SIZE + 1)];
  __local uint place_store[1];
  __local ushort tally[SPLIT_BINS * WG_SIZE];
  __local uint sums[WG_SIZE], begins[RADIX_BINS];
  const size_t row = get_group_id(1);
  const ulong offset = offsets[row];
  const uint tiles = (counts[row] + SORT_BLOCK - 1) / SORT_BLOCK;
  scatter_tile(keys + offset, sorted_keys + offset, order, sorted_order,
               tallies + (offset / SORT_BLOCK + row) * RADIX_BINS, totals + row * RADIX_BINS, get_group_id(0), tiles,
               counts[row], shift, key_store, place_store, tally, sums, begins, 1);
#endif
}
