#line 2 "best_of_n.cl"
// SPDX-License-Identifier: Apache-2.0
// best_of_n.cl: tie groups of sorted rows with their mid-ranks and averaged gold, and sorted rows times
// order-statistic weights.
// Layout:  rows as in row_summary.cl, sorted; ties[3 * slot] = row, first and one past the last position;
//          tables[table_offsets[class * n_count + n]] = unbiased weights, then those with replacement.
// Launch:  tie_groups: one work-group a row; best_of_n: work-groups (row of the launch, n).
// Method:  tie_groups: prefix sums of weights and gold, each lane its own stretch, then a bisection a
//          sample for the ends of its group. best_of_n: dot products in chunks, compensated.
// Mirrors: EsscherCPU/BestOfN.swift, EsscherCPU/RowSummary.swift (findTies, centreGold).

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif

// Exclusive prefix sums of q, or of q g, over a row; prefix[count] is the whole.
INLINE void prefix_sums(__global const double *q, __global const double *g,
                               const int has_weights, const int has_gold, const uint count,
                               __global double *prefix, __local double *scratch) {
  const uint lane = get_local_id(0);
  const uint stretch = (count + WG_SIZE - 1) / WG_SIZE;
  const uint start = min(lane * stretch, count);
  const uint end = min(start + stretch, count);
  double sum = 0, rest = 0;
  for (uint step = 0; step < stretch; step++) {
    const uint i = start + step;
    if (i < end) sum = add_compensated(sum, (has_weights ? q[i] : 1.0) * (has_gold ? g[i] : 1.0), &rest);
  }
  BARRIER(CLK_LOCAL_MEM_FENCE);
  scratch[lane] = sum + rest;
  BARRIER(CLK_LOCAL_MEM_FENCE);
  sum = rest = 0;
  for (uint before = 0; before < WG_SIZE; before++)
    if (before < lane) sum = add_compensated(sum, scratch[before], &rest);
  for (uint step = 0; step < stretch; step++) {
    const uint i = start + step;
    if (i < end) {
      prefix[i] = sum + rest;
      sum = add_compensated(sum, (has_weights ? q[i] : 1.0) * (has_gold ? g[i] : 1.0), &rest);
    }
  }
  if (lane == WG_SIZE - 1) prefix[count] = sum + rest;
  BARRIER(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
}

__kernel void tie_groups(__global const double *restrict values, __global double *restrict gold,
                         __global const double *restrict weights, __global const ulong *restrict offsets,
                         __global const uint *restrict counts, __global double *restrict rank,
                         __global double *restrict weight_prefix, __global double *restrict gold_prefix,
                         __global uint *restrict tie_count, __global uint *restrict ties,
                         const uint tie_capacity, const uint flags) {
  __local double scratch[WG_SIZE];
  const size_t row = get_group_id(0);
  const uint count = counts[row];
  const int weighted = (flags & HAS_WEIGHTS) != 0;
  const int has_gold = (flags & HAS_GOLD) != 0;
  __global const double *restrict r = values + offsets[row];
  __global const double *restrict q = weights + (weighted ? offsets[row] : 0);
  __global double *restrict g = gold + (has_gold ? offsets[row] : 0);
  // Prefixes have one entry more than the row has samples; rows are 8 apart at least.
  __global double *restrict q_sums = weight_prefix + (weighted ? offsets[row] + row * 8 : 0);
  __global double *restrict g_sums = gold_prefix + (has_gold ? offsets[row] + row * 8 : 0);
  prefix_sums(q, g, 1, 0, weighted ? count : 0, q_sums, scratch);
  prefix_sums(q, g, weighted, 1, has_gold ? count : 0, g_sums, scratch);
  for (uint i = get_local_id(0); i < count; i += WG_SIZE) {
    const double v = r[i];
    uint first = i, end = i + 1;
    if (i > 0 && r[i - 1] == v) {
      uint low = 0, high = i;
      while (low < high) {
        const uint guess = (low + high) / 2;
        if (r[guess] > v) low = guess + 1;
        else high = guess;
      }
      first = low;
    }
    if (i + 1 < count && r[i + 1] == v) {
      uint low = i + 1, high = count;
      while (low < high) {
        const uint guess = (low + high) / 2;
        if (r[guess] >= v) low = guess + 1;
        else high = guess;
      }
      end = low;
    }
    const double size = end - first;
    const double share = weighted ? q_sums[end] - q_sums[first] : size;
    rank[offsets[row] + i] = weighted ? 0.5 - (q_sums[first] + share / 2)
                                      : 0.5 - ((double)first + size / 2) / (double)count;
    if (end - first > 1) {
      if (has_gold && share > 0) g[i] = (g_sums[end] - g_sums[first]) / share;
      if (i == first) {
        const uint slot = atomic_inc(tie_count);
        if (slot < tie_capacity) {
          ties[3 * slot] = (uint)row;
          ties[3 * slot + 1] = first;
          ties[3 * slot + 2] = end;
        }
      }
    }
  }
}

// Σ w x of the first `kept` samples.
INLINE double weighted_sum(__global const double *w, __global const double *x,
                                  const double centre, const double correction, const uint kept,
                                  __local double *scratch) {
  const uint lane = get_local_id(0);
  const uint stride = WG_SIZE * VEC;
  double sum = 0, rest = 0;
  for (uint base = 0; base < kept; base += stride * CHUNK) {
    real part = 0;
    const uint turns = TURNS(base, kept);
    for (uint k = 0; k < turns; k++) {
      const uint index = base + k * stride + lane * VEC;
      const real keep = keep_mask((long)kept - index);
      const uint place = PLACE(index, kept);
      const real d = keep_only((LOAD(x, place) - (real)centre) - (real)correction, keep);
      part = fma(keep_only(LOAD(w, place), keep), d, part);
    }
    sum = add_compensated(sum, total(part), &rest);
  }
  return group_sum(sum + rest, scratch);
}

__kernel void best_of_n(__global const double *restrict values, __global const double *restrict gold,
                        __global const ulong *restrict offsets, __global const uint *restrict counts,
                        __global const double *restrict summaries, __global const double *restrict tables,
                        __global const ulong *restrict table_offsets, __global const uint *restrict kept_counts,
                        __global const uint *restrict classes, __global double *restrict sums,
                        const uint first_row, const uint n_count, const uint flags) {
  __local double scratch[WG_SIZE];
  const size_t row = first_row + get_group_id(0);
  const uint n = get_group_id(1);
  // Rows too short for the largest n have no class, and no sums.
  const int has_class = classes[row] != 0xFFFFFFFFU;
  const uint entry = (has_class ? classes[row] : 0) * n_count + n;
  const uint kept = has_class ? kept_counts[entry] : 0;
  const ulong padded = (kept + 7UL) / 8 * 8;
  __global const double *restrict u = tables + table_offsets[entry];
  __global const double *restrict summary = summaries + row * SUMMARY_STRIDE;
  const double correction =
      summary[S_HIGHEST] == summary[S_LOWEST] ? 0 : summary[S_FIRST] / (double)counts[row];
  __global const double *restrict r = values + offsets[row];
  const double gain = weighted_sum(u, r, summary[S_CENTRE], correction, kept, scratch);
  const double replacement = weighted_sum(u + padded, r, summary[S_CENTRE], correction, kept, scratch);
  const double gold_gain =
      weighted_sum(u, gold + (flags & HAS_GOLD ? offsets[row] : 0), 0, 0, flags & HAS_GOLD ? kept : 0, scratch);
  if (get_local_id(0) == 0) {
    __global double *restrict out = sums + (row * n_count + n) * 3;
    out[0] = gain;
    out[1] = replacement;
    out[2] = gold_gain;
  }
}
