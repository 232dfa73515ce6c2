#line 2 "row_summary.cl"
// SPDX-License-Identifier: Apache-2.0
// row_summary.cl: extrema, centre, centred sums, multiplicity of the maximum and centre of the gold
// reward of each row.
// Layout:  values[offsets[row] + column], rows padded to 8; summaries[row * SUMMARY_STRIDE + field].
// Launch:  one work-group of WG_SIZE lanes a row; local memory WG_SIZE doubles.
// Method:  minimum, maximum and sum give a centre near the mean; both sums about it follow in one pass. Lanes
//          take vectors in turn, chunks of CHUNK vectors are added up plainly and then compensated.
// Mirrors: EsscherCPU/RowSummary.swift; tolerance in the conformance suite.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif

// Sums over a row of q (v - centre) and q (v - centre)^2, in chunks; q is 1 without weights.
INLINE void centred_sums(__global const double *values, __global const double *weights, const int weighted,
                         const uint count, const double centre, double *first, double *second,
                         __local double *scratch) {
  const uint lane = get_local_id(0);
  const uint stride = WG_SIZE * VEC;
  double sum = 0, rest = 0, square_sum = 0, square_rest = 0;
  for (uint base = 0; base < count; base += stride * CHUNK) {
    real part = 0, square = 0;
    const uint turns = TURNS(base, count);
    for (uint k = 0; k < turns; k++) {
      const uint index = base + k * stride + lane * VEC;
      const real keep = keep_mask((long)count - index);
      const uint place = PLACE(index, count);
      const real d = keep_only(LOAD(values, place) - (real)centre, keep);
      const real term = weighted ? d * keep_only(LOAD(weights, place), keep) : d;
      part += term;
      square = fma(d, term, square);
    }
    sum = add_compensated(sum, total(part), &rest);
    square_sum = add_compensated(square_sum, total(square), &square_rest);
  }
  *first = group_sum(sum + rest, scratch);
  *second = group_sum(square_sum + square_rest, scratch);
}

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

INLINE void row_extrema(__global const double *values, const uint count, double *lowest, double *highest,
                        __local double *scratch) {
  real low = INFINITY, high = -INFINITY;
  for (uint base = 0; base < count; base += WG_SIZE * VEC) {
    const uint index = base + (uint)get_local_id(0) * VEC;
    const real value = LOAD(values, PLACE(index, count));
#if VEC == 8
    const long8 keep = STEPS < (wide)((long)count - index);
    low = fmin(low, select((real)INFINITY, value, keep));
    high = fmax(high, select((real)-INFINITY, value, keep));
#else
    // A lane without a sample has read the first one again.
    low = fmin(low, value);
    high = fmax(high, value);
#endif
  }
#if VEC == 8
  const double4 low4 = fmin(low.lo, low.hi), high4 = fmax(high.lo, high.hi);
  const double2 low2 = fmin(low4.lo, low4.hi), high2 = fmax(high4.lo, high4.hi);
  *lowest = group_min(fmin(low2.lo, low2.hi), scratch);
  *highest = group_max(fmax(high2.lo, high2.hi), scratch);
#else
  *lowest = group_min(low, scratch);
  *highest = group_max(high, scratch);
#endif
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
  double sum, first, second, unused;
  centred_sums(r, q, weighted, count, 0, &sum, &unused, scratch);
  const double mean = weighted ? sum : sum / count;
  const double centre = isfinite(mean) ? fmin(fmax(mean, lowest), highest) : lowest / 2 + highest / 2;
  centred_sums(r, q, weighted, count, centre, &first, &second, scratch);
  const double squares = weighted ? squared_weights(q, count, scratch) : 0;

  real tops = 0;
  for (uint base = 0; base < count; base += WG_SIZE * VEC) {
    const uint index = base + (uint)get_local_id(0) * VEC;
    const real keep = keep_mask((long)count - index);
    const uint place = PLACE(index, count);
    const real mass = weighted ? keep_only(LOAD(q, place), keep) : keep;
#if VEC == 8
    tops += select((real)0.0, mass, LOAD(r, place) == (real)highest);
#else
    tops += r[place] == highest ? mass : 0;
#endif
  }
  const double top = group_sum(total(tops), scratch);

  double middle = 0, gold_first = 0;
  if (flags & HAS_GOLD) {
    __global double *restrict g = gold + offsets[row];
    double gold_low, gold_high;
    row_extrema(g, count, &gold_low, &gold_high, scratch);
    middle = gold_low / 2 + gold_high / 2;
    centred_sums(g, q, weighted, count, middle, &gold_first, &unused, scratch);
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
