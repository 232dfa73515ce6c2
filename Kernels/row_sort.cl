#line 2 "row_sort.cl"
// SPDX-License-Identifier: Apache-2.0
// row_sort.cl: the samples of each row, largest first, with the position each came from.
// Layout:  rows as in row_summary.cl; keys and order at the same places, with spares of the same size.
// Launch:  processors: one work-item a row (radix). GPUs: one work-group a block of SORT_BLOCK samples
//          (bitonic in local memory), then merge passes, one work-item MERGE_RUN outputs.
// Macros:  SORT_BLOCK (power of two, default 1024), MERGE_RUN (default 8).
// Method:  order-preserving 64-bit keys whose ascending order is the rewards' descending order; -0 and +0
//          are one key. Equal keys keep the order they came in, whichever way they are sorted.
// Mirrors: EsscherCPU/RowSort.swift.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#ifndef SORT_BLOCK
#define SORT_BLOCK 1024
#endif
#ifndef MERGE_RUN
#define MERGE_RUN 8
#endif

INLINE ulong key_of(double x) {
  const ulong bits = as_ulong(x + 0.0);
  return ~(bits >> 63 ? ~bits : bits | 0x8000000000000000UL);
}

INLINE double value_of(ulong key) {
  const ulong ascending = ~key;
  return as_double(ascending >> 63 ? ascending & 0x7FFFFFFFFFFFFFFFUL : ~ascending);
}

// Least-significant-digit radix sort of one row by one work-item; digits that all keys share cost nothing.
// Empty in the build for GPUs, which never launch it and would reserve its counters a lane.
__kernel void row_sort_radix(__global const double *restrict values, __global ulong *restrict keys,
                             __global ulong *restrict spare_keys, __global uint *restrict order,
                             __global uint *restrict spare_order, __global const ulong *restrict offsets,
                             __global const uint *restrict counts) {
#if SORT_BLOCK <= 2
  const size_t row = get_global_id(0);
  const ulong offset = offsets[row];
  const uint count = counts[row];
  uint histogram[8 * 256];
  for (uint i = 0; i < 8 * 256; i++) histogram[i] = 0;
  __global ulong *from = keys + offset, *to = spare_keys + offset;
  __global uint *from_order = order + offset, *to_order = spare_order + offset;
  for (uint i = 0; i < count; i++) {
    const ulong key = key_of(values[offset + i]);
    from[i] = key;
    from_order[i] = i;
    for (uint digit = 0; digit < 8; digit++) histogram[digit * 256 + ((key >> (8 * digit)) & 255)]++;
  }
  for (uint digit = 0; digit < 8; digit++) {
    uint *places = histogram + digit * 256;
    const uint shift = 8 * digit;
    if (count == 0 || places[(from[0] >> shift) & 255] == count) continue;
    uint position = 0;
    for (uint i = 0; i < 256; i++) {
      const uint here = places[i];
      places[i] = position;
      position += here;
    }
    for (uint i = 0; i < count; i++) {
      const ulong key = from[i];
      const uint place = places[(key >> shift) & 255]++;
      to[place] = key;
      to_order[place] = from_order[i];
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
      to_order[i] = from_order[i];
    }
#endif
}

// Sorts blocks of SORT_BLOCK samples; a bitonic network on (key, position), which are all different.
__kernel void row_sort_blocks(__global const double *restrict values, __global ulong *restrict keys,
                              __global uint *restrict order, __global const ulong *restrict offsets,
                              __global const uint *restrict counts) {
  __local ulong key[SORT_BLOCK];
  __local uint place[SORT_BLOCK];
  const size_t row = get_group_id(1);
  const uint start = get_group_id(0) * SORT_BLOCK;
  const ulong offset = offsets[row];
  const uint count = counts[row];
  for (uint i = get_local_id(0); i < SORT_BLOCK; i += WG_SIZE) {
    const uint index = start + i;
    // No finite reward has the largest key; padding sorts behind everything.
    key[i] = index < count ? key_of(values[offset + index]) : 0xFFFFFFFFFFFFFFFFUL;
    place[i] = index;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint size = 2; size <= SORT_BLOCK; size *= 2)
    for (uint step = size / 2; step > 0; step /= 2) {
      for (uint pair = get_local_id(0); pair < SORT_BLOCK / 2; pair += WG_SIZE) {
        const uint low = 2 * pair - (pair & (step - 1));
        const uint high = low + step;
        const int ascending = (low & size) == 0;
        const int greater = key[low] > key[high] || (key[low] == key[high] && place[low] > place[high]);
        if (greater == ascending) {
          const ulong k = key[low];
          key[low] = key[high];
          key[high] = k;
          const uint p = place[low];
          place[low] = place[high];
          place[high] = p;
        }
      }
      barrier(CLK_LOCAL_MEM_FENCE);
    }
  for (uint i = get_local_id(0); i < SORT_BLOCK; i += WG_SIZE)
    if (start + i < count) {
      keys[offset + start + i] = key[i];
      order[offset + start + i] = place[i];
    }
}

// Merges neighbouring sorted runs of `width` samples: each work-item finds where its outputs begin in both
// runs by bisection along a diagonal, and merges from there. Runs are stable: the left one goes first.
__kernel void row_sort_merge(__global const ulong *restrict keys, __global ulong *restrict merged_keys,
                             __global const uint *restrict order, __global uint *restrict merged_order,
                             __global const ulong *restrict offsets, __global const uint *restrict counts,
                             const ulong width) {
  const size_t row = get_group_id(1);
  const ulong count = counts[row];
  const ulong start = (get_group_id(0) * WG_SIZE + get_local_id(0)) * (ulong)MERGE_RUN;
  if (start < count) {
    const ulong pair = start / (2 * width) * (2 * width);
    const ulong middle = min(pair + width, count);
    const ulong end = min(pair + 2 * width, count);
    __global const ulong *left = keys + offsets[row] + pair;
    __global const ulong *right = keys + offsets[row] + middle;
    const ulong left_count = middle - pair;
    const ulong right_count = end - middle;
    const ulong diagonal = start - pair;
    // Signed, because Oclgrind does not know the saturating subtraction that compilers make of this.
    ulong low = (ulong)max((long)diagonal - (long)right_count, 0L);
    ulong high = min(diagonal, left_count);
    while (low < high) {
      const ulong guess = (low + high) / 2;
      if (left[guess] <= right[diagonal - 1 - guess]) low = guess + 1;
      else high = guess;
    }
    ulong i = low, j = diagonal - low;
    const ulong last = min(start + MERGE_RUN, end);
    for (ulong out = start; out < last; out++) {
      const int takes_left = i < left_count && (j >= right_count || left[i] <= right[j]);
      const ulong source = offsets[row] + (takes_left ? pair + i : middle + j);
      merged_keys[offsets[row] + out] = keys[source];
      merged_order[offsets[row] + out] = order[source];
      i += takes_left;
      j += !takes_left;
    }
  }
}

// The largest rewards of each sorted row, back to back.
__kernel void row_tail(__global const double *restrict values, __global const ulong *restrict offsets,
                       __global const ulong *restrict tail_offsets, __global double *restrict tails) {
  const size_t row = get_group_id(0);
  const ulong start = tail_offsets[row];
  const ulong count = tail_offsets[row + 1] - start;
  for (ulong i = get_local_id(0); i < count; i += WG_SIZE) tails[start + i] = values[offsets[row] + i];
}

// Writes the sorted rewards, and gold and weights in the order of their rewards.
__kernel void row_sort_gather(__global double *restrict values, __global const ulong *restrict keys,
                              __global const uint *restrict order, __global const double *restrict gold,
                              __global double *restrict sorted_gold, __global const double *restrict weights,
                              __global double *restrict sorted_weights, __global const ulong *restrict offsets,
                              __global const uint *restrict counts, const uint flags) {
  const size_t row = get_group_id(0);
  const ulong offset = offsets[row];
  for (uint i = get_local_id(0); i < counts[row]; i += WG_SIZE) {
    const uint from = order[offset + i];
    values[offset + i] = value_of(keys[offset + i]);
    if (flags & HAS_GOLD) sorted_gold[offset + i] = gold[offset + from];
    if (flags & HAS_WEIGHTS) sorted_weights[offset + i] = weights[offset + from];
  }
}
