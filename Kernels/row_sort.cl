#line 2 "row_sort.cl"
// SPDX-License-Identifier: Apache-2.0
// row_sort.cl: the samples of each row, largest first, with the position each came from.
// Layout:  rows as in row_summary.cl; keys and order at the same places, with spares of the same size. Kernels
//          named _short are for rewards that are floats: their keys have 32 bits, above the position, and there is
//          no order beside them.
// Launch:  processors: one work-item a row (radix). GPUs: work-groups (block of SORT_BLOCK samples, row), then
//          merge passes, work-groups (WG_SIZE * MERGE_RUN outputs, row); 12 bytes of local memory a sample of
//          either, or 8.
// Macros:  SORT_ITEMS (samples of a lane in a block, a power of two up to 32, default 8), MERGE_RUN (outputs of a lane
//          in a merge pass, a power of two, default 8, at most 2 SORT_ITEMS).
// Method:  order-preserving keys whose ascending order is the rewards' descending order; -0 and +0 are one key.
//          A block is sorted by a bitonic network in the lanes' registers; steps between lanes go through local
//          memory. A merge pass loads what its outputs come from into local memory. Equal keys keep the order they
//          came in, whichever way they are sorted.
// Mirrors: EsscherCPU/RowSort.swift.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#ifndef SORT_ITEMS
#define SORT_ITEMS 8
#endif
#define SORT_BLOCK (SORT_ITEMS * WG_SIZE)
#ifndef MERGE_RUN
#define MERGE_RUN 8
#endif
#define MERGE_OUTPUTS (MERGE_RUN * WG_SIZE)
// Keys are floats' and carry their position.
#define HAS_SHORT_KEYS 32

INLINE ulong key_of(double x) {
  const ulong bits = as_ulong(x + 0.0);
  return ~(bits >> 63 ? ~bits : bits | 0x8000000000000000UL);
}

INLINE double value_of(ulong key) {
  const ulong ascending = ~key;
  return as_double(ascending >> 63 ? ascending & 0x7FFFFFFFFFFFFFFFUL : ~ascending);
}

// The key of a double that a float holds, and the position below it. By integers: devices may flush small floats.
INLINE ulong short_key_of(double x, uint position) {
  const ulong bits = as_ulong(x + 0.0);
  const uint sign = (uint)(bits >> 32) & 0x80000000U;
  const int exponent = (int)(bits >> 52 & 2047) - 896;
  const uint fraction = (uint)(bits >> 29) & 0x7FFFFFU;
  // Below 2^-126 floats have no leading one; 0 has none either, 2^-1022 and less are no floats.
  const uint size = exponent > 0 ? (uint)exponent << 23 | fraction : (fraction | 0x800000U) >> min(1 - exponent, 31);
  const uint ascending = sign ? ~(sign | size) : size | 0x80000000U;
  return (ulong)~ascending << 32 | position;
}

INLINE double short_value_of(ulong key) {
  const uint ascending = ~(uint)(key >> 32);
  const uint size = ascending >> 31 ? ascending & 0x7FFFFFFFU : ~ascending & 0x7FFFFFFFU;
  const ulong sign = ascending >> 31 ? 0 : 0x8000000000000000UL;
  const ulong bits = ((ulong)(size >> 23) + 896) << 52 | (ulong)(size & 0x7FFFFFU) << 29;
  const double small = (double)size * 0x1p-149;
  return as_double(sign | (size >> 23 ? bits : as_ulong(small)));
}

#if WG_SIZE == 1
// Least-significant-digit radix sort of one row by one work-item; digits that all keys share cost nothing. `digits` of
// `width` bits from bit `lowest` on, 6,144 bins in all at most.
INLINE void sort_radix(__global const double *values, __global ulong *keys, __global ulong *spare_keys,
                       __global uint *order, __global uint *spare_order, const ulong offset, const uint count,
                       const uint lowest, const uint width, const uint digits, const int is_short) {
  const uint bins = 1U << width, mask = bins - 1;
  uint histogram[3 * 2048];
  for (uint i = 0; i < digits * bins; i++) histogram[i] = 0;
  __global ulong *from = keys + offset, *to = spare_keys + offset;
  __global uint *from_order = order + (is_short ? 0 : offset), *to_order = spare_order + (is_short ? 0 : offset);
  for (uint i = 0; i < count; i++) {
    const double x = values[offset + i];
    from[i] = is_short ? short_key_of(x, i) : key_of(x);
    if (!is_short) from_order[i] = i;
  }
  for (uint i = 0; i < count; i++) {
    const ulong key = from[i] >> lowest;
#pragma unroll
    for (uint digit = 0; digit < digits; digit++) histogram[digit * bins + ((key >> (width * digit)) & mask)]++;
  }
  for (uint digit = 0; digit < digits; digit++) {
    uint *places = histogram + digit * bins;
    const uint shift = lowest + width * digit;
    if (count == 0 || places[(from[0] >> shift) & mask] == count) continue;
    uint position = 0;
    for (uint i = 0; i < bins; i++) {
      const uint here = places[i];
      places[i] = position;
      position += here;
    }
    for (uint i = 0; i < count; i++) {
      const ulong key = from[i];
      const uint place = places[(key >> shift) & mask]++;
      to[place] = key;
      if (!is_short) to_order[place] = from_order[i];
    }
    __global ulong *swapped = from;
    from = to;
    to = swapped;
    __global uint *swapped_order = from_order;
    from_order = to_order;
    to_order = swapped_order;
  }
  if (from != keys + offset)
    for (uint i = 0; i < count; i++) {
      to[i] = from[i];
      if (!is_short) to_order[i] = from_order[i];
    }
}
#endif

// Kernels that the other build never launches are empty: they take time to compile, and counters a lane.
__kernel void row_sort_radix(__global const double *restrict values, __global ulong *restrict keys,
                             __global ulong *restrict spare_keys, __global uint *restrict order,
                             __global uint *restrict spare_order, __global const ulong *restrict offsets,
                             __global const uint *restrict counts) {
#if WG_SIZE == 1
  const size_t row = get_global_id(0);
  sort_radix(values, keys, spare_keys, order, spare_order, offsets[row], counts[row], 0, 8, 8, 0);
#endif
}

__kernel void row_sort_radix_short(__global const double *restrict values, __global ulong *restrict keys,
                                   __global ulong *restrict spare_keys, __global uint *restrict order,
                                   __global uint *restrict spare_order, __global const ulong *restrict offsets,
                                   __global const uint *restrict counts) {
#if WG_SIZE == 1
  const size_t row = get_global_id(0);
  // Few passes over long rows, few bins for short ones; the order is the same.
  if (counts[row] < 2048)
    sort_radix(values, keys, spare_keys, order, spare_order, offsets[row], counts[row], 32, 8, 4, 1);
  else
    sort_radix(values, keys, spare_keys, order, spare_order, offsets[row], counts[row], 32, 11, 3, 1);
#endif
}

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
      barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
      for (int i = 0; i < SORT_ITEMS; i++) {
        key_store[i * WG_SIZE + lane] = key[i];
        if (!is_short) place_store[i * WG_SIZE + lane] = place[i];
      }
      barrier(CLK_LOCAL_MEM_FENCE);
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
  barrier(CLK_LOCAL_MEM_FENCE);
  // A column more than lanes, so that the lanes of either pattern meet different banks.
#pragma unroll
  for (int i = 0; i < SORT_ITEMS; i++) {
    key_store[i * (WG_SIZE + 1) + lane] = key[i];
    if (!is_short) place_store[i * (WG_SIZE + 1) + lane] = place[i];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
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
  barrier(CLK_LOCAL_MEM_FENCE);
  const ulong first_left = pair + bounds[0];
  const uint left_count = (uint)(bounds[1] - bounds[0]);
  const ulong first_right = middle + (start - pair - bounds[0]);
  const uint outputs = (uint)(last - start);
  for (uint i = lane; i < outputs; i += WG_SIZE) {
    const ulong source = i < left_count ? first_left + i : first_right + (i - left_count);
    key_store[i] = keys[source];
    if (!is_short) place_store[i] = order[source];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
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
  barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
  for (int k = 0; k < MERGE_RUN; k++) {
    key_store[k * (WG_SIZE + 1) + lane] = key[k];
    if (!is_short) place_store[k * (WG_SIZE + 1) + lane] = place[k];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
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

// The largest rewards of each sorted row, back to back.
__kernel void row_tail(__global const double *restrict values, __global const ulong *restrict offsets,
                       __global const ulong *restrict tail_offsets, __global double *restrict tails) {
  const size_t row = get_group_id(0);
  const ulong start = tail_offsets[row];
  const ulong count = tail_offsets[row + 1] - start;
  for (ulong i = get_local_id(0); i < count; i += WG_SIZE) tails[start + i] = values[offsets[row] + i];
}

// Writes the sorted rewards, and gold and weights in the order of their rewards; work-groups (part of the row, row).
__kernel void row_sort_gather(__global double *restrict values, __global const ulong *restrict keys,
                              __global const uint *restrict order, __global const double *restrict gold,
                              __global double *restrict sorted_gold, __global const double *restrict weights,
                              __global double *restrict sorted_weights, __global const ulong *restrict offsets,
                              __global const uint *restrict counts, const uint flags) {
  const size_t row = get_group_id(1);
  const ulong offset = offsets[row];
  const uint count = counts[row];
#if WG_SIZE == 1
  const uint first = 0, step = 1;
#else
  const uint first = get_global_id(0), step = get_global_size(0);
#endif
  __global const ulong *restrict key = keys + offset;
  __global double *restrict value = values + offset;
  // A loop each, so that compilers for processors make vectors of them.
  if (flags & HAS_SHORT_KEYS) {
    for (uint i = first; i < count; i += step) value[i] = short_value_of(key[i]);
    if (flags & HAS_GOLD)
      for (uint i = first; i < count; i += step) sorted_gold[offset + i] = gold[offset + (uint)key[i]];
    if (flags & HAS_WEIGHTS)
      for (uint i = first; i < count; i += step) sorted_weights[offset + i] = weights[offset + (uint)key[i]];
  } else {
    for (uint i = first; i < count; i += step) value[i] = value_of(key[i]);
    __global const uint *restrict from = order + offset;
    if (flags & HAS_GOLD)
      for (uint i = first; i < count; i += step) sorted_gold[offset + i] = gold[offset + from[i]];
    if (flags & HAS_WEIGHTS)
      for (uint i = first; i < count; i += step) sorted_weights[offset + i] = weights[offset + from[i]];
  }
}
