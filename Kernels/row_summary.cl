#line 2 "row_summary.cl"
// SPDX-License-Identifier: Apache-2.0
// row_summary.cl: extrema, centre, centred sums, multiplicity of the maximum and centre of the gold
// reward of each row.
// Layout:  values[offsets[row] + column], rows padded to 8; summaries[row * SUMMARY_STRIDE + field].
// Launch:  one work-group of WG_SIZE lanes a row; local memory WG_SIZE doubles.
// Method:  minimum, maximum and sum give a centre near the mean; both sums about it, and the samples at the maximum,
//          follow in a second pass. Lanes take vectors in turn, chunks of CHUNK vectors are added up plainly and then compensated.
// Mirrors: EsscherCPU/RowSummary.swift; tolerance in the conformance suite.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif

// Sums over a row of q (v - centre) and q (v - centre)^2, in chunks, and of q where v is `mark`; q is 1 without weights.
INLINE void centred_sums(__global const double *values, __global const double *weights, const int weighted,
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
      const real value = LOAD(values, place);
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

// The extremes of a row, and the sum of q v in chunks.
INLINE void row_range(__global const double *values, __global const double *weights, const int weighted,
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
      real value = LOAD(values, place);
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

  double lowest, highest, sum, first, second, top, unused, none;
  row_range(r, q, weighted, count, &lowest, &highest, &sum, scratch);
  const double mean = weighted ? sum : sum / count;
  const double centre = isfinite(mean) ? fmin(fmax(mean, lowest), highest) : lowest / 2 + highest / 2;
  centred_sums(r, q, weighted, count, centre, highest, &first, &second, &top, scratch);
  const double squares = weighted ? squared_weights(q, count, scratch) : 0;

  double middle = 0, gold_first = 0;
  if (flags & HAS_GOLD) {
    __global double *restrict g = gold + offsets[row];
    double gold_low, gold_high;
    row_range(g, q, 0, count, &gold_low, &gold_high, &unused, scratch);
    middle = gold_low / 2 + gold_high / 2;
    centred_sums(g, q, weighted, count, middle, gold_high, &gold_first, &unused, &none, scratch);
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
