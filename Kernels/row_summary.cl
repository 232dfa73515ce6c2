#line 2 "row_summary.cl"
// SPDX-License-Identifier: Apache-2.0
// row_summary.cl: extrema, centre, centred sums, multiplicity of the maximum and centre of the gold
// reward of each row.
// Layout:  values[offsets[row] + column], rows padded to 8; summaries[row * SUMMARY_STRIDE + field].
// Launch:  one work-group of WG_SIZE lanes a row; local memory WG_SIZE doubles.
// Method:  two passes: minimum, maximum and sum give a centre near the mean; sums about it follow. Lanes
//          take vectors in turn, chunks of CHUNK vectors are added up plainly and then compensated.
// Mirrors: EsscherCPU/RowSummary.swift; tolerance in the conformance suite.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif

// Sum over a row of q^a v^b about a centre, in chunks: b = 0, 1 or 2 (power), q counted if weights.
INLINE double row_sum(__global const double *values, __global const double *weights,
                             const uint count, const double centre, const int power, const int weight_power,
                             __local double *scratch) {
  const uint lane = get_local_id(0);
  const uint stride = WG_SIZE * VEC;
  double sum = 0, rest = 0;
  for (uint base = 0; base < count; base += stride * CHUNK) {
    real part = 0;
    const uint turns = TURNS(base, count);
    for (uint k = 0; k < turns; k++) {
      const uint index = base + k * stride + lane * VEC;
      const real keep = keep_mask((long)count - index);
      const uint place = PLACE(index, count);
      real term = keep;
      if (power > 0) {
        const real d = keep_only(LOAD(values, place) - (real)centre, keep);
        term = power > 1 ? d * d : d;
      }
      if (weight_power > 0) {
        const real q = keep_only(LOAD(weights, place), keep);
        term *= weight_power > 1 ? q * q : q;
      }
      part += term;
    }
    sum = add_compensated(sum, total(part), &rest);
  }
  return group_sum(sum + rest, scratch);
}

INLINE void row_extrema(__global const double *values, const uint count,
                               double *lowest, double *highest, __local double *scratch) {
  double low = INFINITY, high = -INFINITY;
  for (uint base = 0; base < count; base += WG_SIZE) {
    const double value = values[PLACE(base + (uint)get_local_id(0), count)];
    low = fmin(low, value);
    high = fmax(high, value);
  }
  *lowest = group_min(low, scratch);
  *highest = group_max(high, scratch);
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

  double lowest, highest;
  row_extrema(r, count, &lowest, &highest, scratch);
  const double sum = row_sum(r, q, count, 0, 1, weighted, scratch);
  const double mean = weighted ? sum : sum / count;
  const double centre = isfinite(mean) ? fmin(fmax(mean, lowest), highest) : lowest / 2 + highest / 2;
  const double first = row_sum(r, q, count, centre, 1, weighted, scratch);
  const double second = row_sum(r, q, count, centre, 2, weighted, scratch);
  const double squares = weighted ? row_sum(r, q, count, 0, 0, 2, scratch) : 0;

  double top = 0;
  for (uint base = 0; base < count; base += WG_SIZE) {
    const uint index = base + get_local_id(0);
    if (index < count && r[index] == highest) top += weighted ? q[index] : 1.0;
  }
  top = group_sum(top, scratch);

  double middle = 0, gold_first = 0;
  if (flags & HAS_GOLD) {
    __global double *restrict g = gold + offsets[row];
    double gold_low, gold_high;
    row_extrema(g, count, &gold_low, &gold_high, scratch);
    middle = gold_low / 2 + gold_high / 2;
    gold_first = row_sum(g, q, count, middle, 1, weighted, scratch);
    const double correction = weighted ? gold_first : gold_first / count;
    // Every lane has read the gold rewards before any of them changes.
    barrier(CLK_GLOBAL_MEM_FENCE);
    for (uint base = 0; base < count; base += WG_SIZE) {
      const uint index = base + get_local_id(0);
      if (index < count) g[index] = (g[index] - middle) - correction;
    }
  }
  if (get_local_id(0) == 0) {
    summary[S_LOWEST] = lowest;
    summary[S_HIGHEST] = highest;
    summary[S_CENTRE] = centre;
    summary[S_FIRST] = first;
    summary[S_SECOND] = second;
    summary[S_TOP] = top;
    summary[S_GOLD_MIDDLE] = middle;
    summary[S_GOLD_FIRST] = gold_first;
    summary[S_SQUARES] = squares;
  }
}
