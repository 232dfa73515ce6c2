#line 2 "merge_sort.cl"
// SPDX-License-Identifier: Apache-2.0
// merge_sort.cl: the sort of row_sort.cl on GPUs: blocks in the lanes' registers, then merge passes. Long rows have
//          radix_sort.cl.
// Layout:  keys and order as in row_sort.cl.
// Launch:  work-groups (block of SORT_BLOCK samples, row), then (WG_SIZE * MERGE_RUN outputs, row); 12 bytes of
//          local memory a sample of either, or 8 where keys carry their position.
// Macros:  SORT_ITEMS (samples of a lane in a block, a power of two up to 32, default 8), MERGE_RUN (outputs of a
//          lane in a merge pass, a power of two, default 8, at most 2 SORT_ITEMS).
// Method:  a block is sorted by a bitonic network on (key, position), steps between lanes through local memory. A
//          merge pass loads what its outputs come from into local memory; the left run goes first.
// Mirrors: EsscherCPU/RowSort.swift.

#ifndef ESSCHER_ROW_SORT
#include "row_sort.cl"
#endif
#ifndef ESSCHER_MERGE_SORT
#define ESSCHER_MERGE_SORT
#ifndef SORT_ITEMS
#define SORT_ITEMS 8
#endif
#define SORT_BLOCK (SORT_ITEMS * WG_SIZE)
#ifndef MERGE_RUN
#define MERGE_RUN 8
#endif
#define MERGE_OUTPUTS (MERGE_RUN * WG_SIZE)

#if WG_SIZE > 1
// Whether an item belongs behind another. Positions differ, so no two are equal.
INLINE int is_behind(const ulong key, const uint place, const ulong other, const uint other_place,
                     const int is_short) {
  return is_short ? key > other : key > other || (key == other && place > other_place);
}

// One step of the network between samples of one lane that are `step` apart; all those of `ascending` pairs go up.
INLINE void exchange_inside(ulong *key, uint *place, const int step, const int size, const int lane_ascends,
                            const int is_short) {
#pragma unroll
  for (int pair = 0; pair < SORT_ITEMS / 2; pair++) {
    const int low = 2 * pair - (pair & (step - 1));
    const int high = low + step;
    // Within a lane the direction is the item's where the runs are shorter than the lane's.
    const int ascends = size < SORT_ITEMS ? (low & size) == 0 : lane_ascends;
    const int swaps = is_behind(key[low], place[low], key[high], place[high], is_short) == ascends;
    const ulong k = key[low];
    key[low] = swaps ? key[high] : k;
    key[high] = swaps ? k : key[high];
    if (!is_short) {
      const uint p = place[low];
      place[low] = swaps ? place[high] : p;
      place[high] = swaps ? p : place[high];
    }
  }
}

// The last steps of a bitonic merge, those within runs of `size` samples of a lane. Written out, because compilers must
// know every place in the lane's arrays, or they leave the registers.
INLINE void merge_inside(ulong *key, uint *place, const int size, const int lane_ascends, const int is_short) {
#if SORT_ITEMS > 16
  if (size > 16) exchange_inside(key, place, 16, size, lane_ascends, is_short);
#endif
#if SORT_ITEMS > 8
  if (size > 8) exchange_inside(key, place, 8, size, lane_ascends, is_short);
#endif
#if SORT_ITEMS > 4
  if (size > 4) exchange_inside(key, place, 4, size, lane_ascends, is_short);
#endif
#if SORT_ITEMS > 2
  if (size > 2) exchange_inside(key, place, 2, size, lane_ascends, is_short);
#endif
  exchange_inside(key, place, 1, size, lane_ascends, is_short);
}

// Sorts a block of a row; a bitonic network on (key, position). Lane l holds places l * SORT_ITEMS and on.
INLINE void sort_block(__global const double *values, __global ulong *keys, __global uint *order, const uint start,
                       const uint count, __local ulong *key_store, __local uint *place_store, const int is_short) {
  const uint lane = get_local_id(0);
  ulong key[SORT_ITEMS];
  uint place[SORT_ITEMS];
#pragma unroll
  for (int i = 0; i < SORT_ITEMS; i++) {
    // Neighbouring lanes read neighbours; where in the block a sample starts does not matter.
    const uint index = start + i * WG_SIZE + lane;
    const double x = index < count ? values[index] : 0;
    place[i] = index;
    // No finite reward has the largest key; padding sorts behind everything.
    key[i] = index < count ? (is_short ? short_key_of(x, index) : key_of(x)) : 0xFFFFFFFFFFFFFFFFUL;
  }
  const int is_even = (lane & 1) == 0;
  if (SORT_ITEMS >= 2) merge_inside(key, place, 2, is_even, is_short);
  if (SORT_ITEMS >= 4) merge_inside(key, place, 4, is_even, is_short);
  if (SORT_ITEMS >= 8) merge_inside(key, place, 8, is_even, is_short);
  if (SORT_ITEMS >= 16) merge_inside(key, place, 16, is_even, is_short);
  if (SORT_ITEMS >= 32) merge_inside(key, place, 32, is_even, is_short);
  for (uint lanes = 2; lanes <= WG_SIZE; lanes *= 2) {
    // Runs of `lanes` lanes go up and down in turn, but for the last.
    const int ascends = (lane & lanes) == 0;
    for (uint apart = lanes / 2; apart > 0; apart /= 2) {
      const uint other = lane ^ apart;
      BARRIER(CLK_LOCAL_MEM_FENCE);
#pragma unroll
      for (int i = 0; i < SORT_ITEMS; i++) {
        key_store[i * WG_SIZE + lane] = key[i];
        if (!is_short) place_store[i * WG_SIZE + lane] = place[i];
      }
      BARRIER(CLK_LOCAL_MEM_FENCE);
      const int keeps_first = ((lane & apart) == 0) == ascends;
#pragma unroll
      for (int i = 0; i < SORT_ITEMS; i++) {
        const ulong other_key = key_store[i * WG_SIZE + other];
        const uint other_place = is_short ? 0 : place_store[i * WG_SIZE + other];
        const int takes = is_behind(key[i], place[i], other_key, other_place, is_short) == keeps_first;
        key[i] = takes ? other_key : key[i];
        if (!is_short) place[i] = takes ? other_place : place[i];
      }
    }
    merge_inside(key, place, SORT_ITEMS, ascends, is_short);
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
  // A column more than lanes, so that the lanes of either pattern meet different banks.
#pragma unroll
  for (int i = 0; i < SORT_ITEMS; i++) {
    key_store[i * (WG_SIZE + 1) + lane] = key[i];
    if (!is_short) place_store[i * (WG_SIZE + 1) + lane] = place[i];
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
#pragma unroll
  for (int i = 0; i < SORT_ITEMS; i++) {
    const uint item = i * WG_SIZE + lane;
    const uint home = item % SORT_ITEMS * (WG_SIZE + 1) + item / SORT_ITEMS;
    if (start + item < count) {
      keys[start + item] = key_store[home];
      if (!is_short) order[start + item] = place_store[home];
    }
  }
}
#endif

__kernel void row_sort_blocks(__global const double *restrict values, __global ulong *restrict keys,
                              __global uint *restrict order, __global const ulong *restrict offsets,
                              __global const uint *restrict counts) {
#if WG_SIZE > 1
  __local ulong key_store[SORT_ITEMS * (WG_SIZE + 1)];
  __local uint place_store[SORT_ITEMS * (WG_SIZE + 1)];
  const size_t row = get_group_id(1);
  const ulong offset = offsets[row];
  sort_block(values + offset, keys + offset, order + offset, get_group_id(0) * SORT_BLOCK, counts[row], key_store,
             place_store, 0);
#endif
}

__kernel void row_sort_blocks_short(__global const double *restrict values, __global ulong *restrict keys,
                                    __global uint *restrict order, __global const ulong *restrict offsets,
                                    __global const uint *restrict counts) {
#if WG_SIZE > 1
  __local ulong key_store[SORT_ITEMS * (WG_SIZE + 1)];
  __local uint place_store[1];
  const size_t row = get_group_id(1);
  const ulong offset = offsets[row];
  sort_block(values + offset, keys + offset, order, get_group_id(0) * SORT_BLOCK, counts[row], key_store, place_store,
             1);
#endif
}

#if WG_SIZE > 1
// How many of the first `diagonal` outputs of two sorted runs come from the left one, which goes first where keys are
// equal.
INLINE ulong left_share(__global const ulong *left, const ulong left_count, __global const ulong *right,
                        const ulong right_count, const ulong diagonal) {
  // Signed, because Oclgrind does not know the saturating subtraction that compilers make of this.
  ulong low = (ulong)max((long)diagonal - (long)right_count, 0L);
  ulong high = min(diagonal, left_count);
  while (low < high) {
    const ulong guess = (low + high) / 2;
    if (left[guess] <= right[diagonal - 1 - guess]) low = guess + 1;
    else high = guess;
  }
  return low;
}

// As left_share, of what is in local memory.
INLINE uint local_share(__local const ulong *left, const uint left_count, __local const ulong *right,
                        const uint right_count, const uint diagonal) {
  uint low = (uint)max((int)diagonal - (int)right_count, 0);
  uint high = min(diagonal, left_count);
  while (low < high) {
    const uint guess = (low + high) / 2;
    if (left[guess] <= right[diagonal - 1 - guess]) low = guess + 1;
    else high = guess;
  }
  return low;
}

// Merges neighbouring sorted runs of `width` samples, a work-group MERGE_OUTPUTS outputs: two lanes find by bisection
// along a diagonal where they begin and end in both runs, all load them, and each lane merges its own from there.
INLINE void merge_outputs(__global const ulong *keys, __global ulong *merged_keys, __global const uint *order,
                          __global uint *merged_order, const uint count, const ulong width, __local ulong *key_store,
                          __local uint *place_store, __local ulong *bounds, const int is_short) {
  const uint lane = get_local_id(0);
  const ulong start = min((ulong)get_group_id(0) * MERGE_OUTPUTS, (ulong)count);
  const ulong pair = start / (2 * width) * (2 * width);
  const ulong middle = min(pair + width, (ulong)count);
  const ulong end = min(pair + 2 * width, (ulong)count);
  const ulong last = min(start + MERGE_OUTPUTS, end);
  if (lane < 2)
    bounds[lane] = left_share(keys + pair, middle - pair, keys + middle, end - middle, (lane ? last : start) - pair);
  BARRIER(CLK_LOCAL_MEM_FENCE);
  const ulong first_left = pair + bounds[0];
  const uint left_count = (uint)(bounds[1] - bounds[0]);
  const ulong first_right = middle + (start - pair - bounds[0]);
  const uint outputs = (uint)(last - start);
  for (uint i = lane; i < outputs; i += WG_SIZE) {
    const ulong source = i < left_count ? first_left + i : first_right + (i - left_count);
    key_store[i] = keys[source];
    if (!is_short) place_store[i] = order[source];
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
  const uint right_count = outputs - left_count;
  const uint own = min(lane * MERGE_RUN, outputs);
  uint i = local_share(key_store, left_count, key_store + left_count, right_count, own);
  uint j = left_count + own - i;
  ulong key[MERGE_RUN];
  uint place[MERGE_RUN];
#pragma unroll
  for (int k = 0; k < MERGE_RUN; k++) {
    // Beyond the outputs, some place that is there.
    const ulong left = key_store[min(i, MERGE_OUTPUTS - 1U)], right = key_store[min(j, MERGE_OUTPUTS - 1U)];
    const int takes_left = i < left_count && (j >= outputs || left <= right);
    key[k] = takes_left ? left : right;
    if (!is_short) place[k] = place_store[min(takes_left ? i : j, MERGE_OUTPUTS - 1U)];
    i += takes_left;
    j += !takes_left;
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
#pragma unroll
  for (int k = 0; k < MERGE_RUN; k++) {
    key_store[k * (WG_SIZE + 1) + lane] = key[k];
    if (!is_short) place_store[k * (WG_SIZE + 1) + lane] = place[k];
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
  for (uint i = lane; i < outputs; i += WG_SIZE) {
    const uint home = i % MERGE_RUN * (WG_SIZE + 1) + i / MERGE_RUN;
    merged_keys[start + i] = key_store[home];
    if (!is_short) merged_order[start + i] = place_store[home];
  }
}
#endif

__kernel void row_sort_merge(__global const ulong *restrict keys, __global ulong *restrict merged_keys,
                             __global const uint *restrict order, __global uint *restrict merged_order,
                             __global const ulong *restrict offsets, __global const uint *restrict counts,
                             const ulong width) {
#if WG_SIZE > 1
  __local ulong key_store[MERGE_RUN * (WG_SIZE + 1)];
  __local uint place_store[MERGE_RUN * (WG_SIZE + 1)];
  __local ulong bounds[2];
  const size_t row = get_group_id(1);
  const ulong offset = offsets[row];
  merge_outputs(keys + offset, merged_keys + offset, order + offset, merged_order + offset, counts[row], width,
                key_store, place_store, bounds, 0);
#endif
}

__kernel void row_sort_merge_short(__global const ulong *restrict keys, __global ulong *restrict merged_keys,
                                   __global const uint *restrict order, __global uint *restrict merged_order,
                                   __global const ulong *restrict offsets, __global const uint *restrict counts,
                                   const ulong width) {
#if WG_SIZE > 1
  __local ulong key_store[MERGE_RUN * (WG_SIZE + 1)];
  __local uint place_store[1];
  __local ulong bounds[2];
  const size_t row = get_group_id(1);
  const ulong offset = offsets[row];
  merge_outputs(keys + offset, merged_keys + offset, order, merged_order, counts[row], width, key_store, place_store,
                bounds, 1);
#endif
}
#endif
