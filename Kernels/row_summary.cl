#line 2 "row_summary.cl"
// SPDX-License-Identifier: Apache-2.0
// row_summary.cl: extrema, centre, centred sums, multiplicity of the maximum and centre of the gold
// reward of each row.
// Layout:  values[offsets[row] + column], rows padded to 8; summaries[row * SUMMARY_STRIDE + field].
// Launch:  one work-group of WG_SIZE lanes a row; local memory WG_SIZE doubles.
// Method:  row_sums.cl; the gold reward is centred in place.
// Mirrors: EsscherCPU/RowSummary.swift; tolerance in the conformance suite.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#ifndef ESSCHER_ROW_SUMS
#include "row_sums.cl"
#endif

// Sum over a row of q^2.
INLINE double squared_weights(__global const double *weights, const uint count, __local double *scratch) {
  double sum = 0, rest = 0;
  for (uint base = 0; base < count; base += WG_SIZE * VEC) {
    const uint index = base + (uint)get_local_id(0) * VEC;
    const real q = keep_only(LOAD(weights, PLACE(index, count)), keep_mask((long)count - index));
    sum = add_compensated(sum, total(q * q), &rest);
  }
  return group_sum(sum + rest, scratch);
}

__kernel void row_summary(__global const double *restrict values, __global double *restrict gold,
                          __global const double *restrict weights,
                          __global const ulong *restrict offsets, __global const uint *restrict counts,
                          __global double *restrict summaries, const uint flags) {
  __local double scratch[WG_SIZE];
  const size_t row = get_group_id(0);
  const uint count = counts[row];
  const int weighted = (flags & HAS_WEIGHTS) != 0;
  __global const double *restrict r = values + offsets[row];
  __global const double *restrict q = weights + (weighted ? offsets[row] : 0);
  __global double *restrict summary = summaries + row * SUMMARY_STRIDE;

  summarise(r, q, weighted, count, summary, scratch);
  const double squares = weighted ? squared_weights(q, count, scratch) : 0;

  if (weighted && get_local_id(0) == 0) summary[S_SQUARES] = squares;
  if (flags & HAS_GOLD) {
    __global double *restrict g = gold + offsets[row];
    double gold_low, gold_high, gold_first, unused, none;
    row_range(g, q, 0, count, &gold_low, &gold_high, &unused, scratch);
    const double middle = gold_low / 2 + gold_high / 2;
    centred_sums(g, q, weighted, count, middle, gold_high, &gold_first, &unused, &none, scratch);
    const double correction = weighted ? gold_first : gold_first / count;
    // Every lane has read the gold rewards before any of them changes.
    BARRIER(CLK_GLOBAL_MEM_FENCE);
    for (uint base = 0; base < count; base += WG_SIZE) {
      const uint index = base + get_local_id(0);
      if (index < count) g[index] = (g[index] - middle) - correction;
    }
    if (get_local_id(0) == 0) {
      summary[S_GOLD_MIDDLE] = middle;
      summary[S_GOLD_FIRST] = gold_first;
    }
  }
}
