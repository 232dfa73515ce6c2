#line 2 "row_sums.cl"
// SPDX-License-Identifier: Apache-2.0
// row_sums.cl: extrema, centre and centred sums of a row.
// Method:  minimum, maximum and sum give a centre near the mean; both sums about it, and the samples at the maximum,
//          follow in a second pass. Lanes take vectors in turn, chunks of CHUNK vectors are added up plainly and then compensated.
// Macros:  SAMPLE, LOAD_SAMPLE, NAMED (common.cl): this file is compiled once more behind near.cl.
// Mirrors: EsscherCPU/RowSummary.swift.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#if !defined(ESSCHER_ROW_SUMS) || IS_NEAR
#define ESSCHER_ROW_SUMS

// Sums over a row of q (v - centre) and q (v - centre)^2, in chunks, and of q where v is `mark`; q is 1 without weights.
INLINE void NAMED(centred_sums)(__global const SAMPLE *values, __global const double *weights, const int weighted,
                         const uint count, const double centre, const double mark, double *first, double *second,
                         double *marked, __local double *scratch) {
  const uint lane = get_local_id(0);
  const uint stride = WG_SIZE * VEC;
  double sum = 0, rest = 0, square_sum = 0, square_rest = 0;
  real marks = 0;
  for (uint base = 0; base < count; base += stride * CHUNK) {
    real part = 0, square = 0;
    const uint turns = TURNS(base, count);
    for (uint k = 0; k < turns; k++) {
      const uint index = base + k * stride + lane * VEC;
      const uint place = PLACE(index, count);
      const real value = LOAD_SAMPLE(values, place);
      real d = value - (real)centre;
      real mass = weighted ? LOAD(weights, place) : (real)1.0;
      if (index + VEC > count) {
        const real keep = keep_mask((long)count - index);
        d = keep_only(d, keep);
        mass = keep_only(mass, keep);
      }
      const real term = weighted ? d * mass : d;
      part += term;
      square = fma(d, term, square);
#if VEC == 8
      marks += select((real)0.0, mass, value == (real)mark);
#else
      marks += value == mark ? mass : 0;
#endif
    }
    sum = add_compensated(sum, total(part), &rest);
    square_sum = add_compensated(square_sum, total(square), &square_rest);
  }
  *first = group_sum(sum + rest, scratch);
  *second = group_sum(square_sum + square_rest, scratch);
  *marked = group_sum(total(marks), scratch);
}

// The extremes of a row, and the sum of q v in chunks.
INLINE void NAMED(row_range)(__global const SAMPLE *values, __global const double *weights, const int weighted,
                      const uint count, double *lowest, double *highest, double *whole, __local double *scratch) {
  const uint lane = get_local_id(0);
  const uint stride = WG_SIZE * VEC;
  real low = INFINITY, high = -INFINITY;
  double sum = 0, rest = 0;
  for (uint base = 0; base < count; base += stride * CHUNK) {
    real part = 0;
    const uint turns = TURNS(base, count);
    for (uint k = 0; k < turns; k++) {
      const uint index = base + k * stride + lane * VEC;
      const uint place = PLACE(index, count);
      real value = LOAD_SAMPLE(values, place);
      real term = weighted ? value * LOAD(weights, place) : value;
      if (index + VEC > count) {
        const real keep = keep_mask((long)count - index);
        term = keep_only(term, keep);
#if VEC == 8
        // Lanes without a sample have another's; a scalar lane has read the row's first one again.
        value = select((real)value.s0, value, keep != (real)0.0);
#endif
      }
      part += term;
#if VEC == 8
      // No cell is a number that is none, for which fmin would have to look.
      low = select(low, value, value < low);
      high = select(high, value, value > high);
#else
      low = fmin(low, value);
      high = fmax(high, value);
#endif
    }
    sum = add_compensated(sum, total(part), &rest);
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
  *whole = group_sum(sum + rest, scratch);
}

// The summary of a row's rewards.
INLINE void NAMED(summarise)(__global const SAMPLE *values, __global const double *weights, const int weighted,
                                const uint count, __global double *summary, __local double *scratch) {
  double lowest, highest, sum, first, second, top;
  NAMED(row_range)(values, weights, weighted, count, &lowest, &highest, &sum, scratch);
  const double mean = weighted ? sum : sum / count;
  const double centre = isfinite(mean) ? fmin(fmax(mean, lowest), highest) : lowest / 2 + highest / 2;
  NAMED(centred_sums)(values, weights, weighted, count, centre, highest, &first, &second, &top, scratch);
  if (get_local_id(0) == 0) {
    summary[S_LOWEST] = lowest;
    summary[S_HIGHEST] = highest;
    summary[S_CENTRE] = centre;
    summary[S_FIRST] = first;
    summary[S_SECOND] = second;
    summary[S_TOP] = top;
    summary[S_GOLD_MIDDLE] = 0;
    summary[S_GOLD_FIRST] = 0;
    summary[S_SQUARES] = 0;
  }
}
#endif
