#line 2 "row_sort.cl"
// SPDX-License-Identifier: Apache-2.0
// row_sort.cl: the samples of each row, largest first, with the position each came from.
// Layout:  rows as in row_summary.cl; keys and order at the same places, with spares of the same size. Kernels
//          named _short are for rewards that are floats: their keys have 32 bits, above the position, and there is
//          no order beside them.
// Launch:  processors: one work-item a row (radix); GPUs: merge_sort.cl, or radix_sort.cl where rows are
//          long. Then row_sort_gather, work-groups (part of the row, row).
// Method:  order-preserving keys whose ascending order is the rewards' descending order; -0 and +0 are one key.
//          Equal keys keep the order they came in, whichever way they are sorted.
// Mirrors: EsscherCPU/RowSort.swift.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#ifndef ESSCHER_ROW_SORT
#define ESSCHER_ROW_SORT
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
#endif
