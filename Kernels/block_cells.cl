#line 2 "block_cells.cl"
// SPDX-License-Identifier: Apache-2.0
// block_cells.cl: what the blocks read of a row's samples: how many count, their order by bins, their moments.
// Layout:  moments as in block_moments.cl; bins are the blocks of the narrowest width, then the lower halves of those of
//          each wider one.
// Macros:  SAMPLE, PLACED, LOAD_SAMPLE, NAMED (common.cl): this file is compiled once more behind near.cl.
// Mirrors: EsscherCPU/BlockGrid.swift, CPUKernels/BlockMomentsKernel.swift.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#ifndef ESSCHER_BLOCKS
#include "block_moments.cl"
#endif
#if !defined(ESSCHER_BLOCK_CELLS) || IS_NEAR
#define ESSCHER_BLOCK_CELLS

// Samples of a row less than `reach` below the maximum; of a sorted row by bisection, of another judged by a few.
INLINE uint NAMED(count_within)(__global const SAMPLE *r, const uint count, const double maximum, const double reach,
                         const int is_sorted) {
  if (is_sorted) {
    uint low = 0, high = count;
    while (low < high) {
      const uint guess = (low + high) / 2;
      if (maximum - r[guess] < reach) low = guess + 1;
      else high = guess;
    }
    return low;
  }
  double found = 0;
#if VEC == 8
  const uint step = max(1U, count / BLOCK_LOOK);
  real some = 0;
  for (uint i = 0; i < count; i += 8 * step)
    some += select((real)0.0, keep_mask((long)count - i), (real)maximum - LOAD_SAMPLE(r, i) < (real)reach);
  found = step * total(some);
#endif
  return (uint)found;
}

#if VEC == 8
// Counts the samples of each bin, and puts them in the order of their bins; ends[bin] is one past its last. Each of the
// BLOCK_TABLES takes every fourth sample; the first is that of the last in a bin. `places` has room for the row's bins:
// they are found by vectors and read one by one, which is quicker than taking vectors apart.
INLINE void NAMED(order_by_bins)(__global const SAMPLE *r, const uint count, const block_grid grid, PLACED ushort *places,
                                    PLACED SAMPLE *ordered, __local uint *ends) {
  const double inverse = 1 / grid.width;
  const uint bins = grid.size + (grid.levels - 1) * grid.half_size + 1;
  __local uint *t0 = ends + 3 * (BLOCK_BINS + 1), *t1 = ends + 2 * (BLOCK_BINS + 1), *t2 = ends + (BLOCK_BINS + 1);
  for (uint bin = 0; bin < bins; bin++) t0[bin] = t1[bin] = t2[bin] = ends[bin] = 0;
  const uint whole = count / 8 * 8;
  const int is_sixteen = grid.half_size == 16;
  for (uint start = 0; start < whole; start += BLOCK_PART) {
    const uint end = min(start + BLOCK_PART, whole);
    for (uint i = start; i < end; i += 8) {
      const double8 v = LOAD_SAMPLE(r, i);
      // Brings the row's place into the caches, in order: scattered stores into cold memory wait for each line.
#if !IS_NEAR
      STORE(v, ordered, i);
#endif
      // Rows begin at multiples of eight; PoCL takes a vstore8 of shorts apart.
      *(PLACED ushort8 *)(places + i) = convert_ushort8(bins_of(v, grid, inverse, is_sixteen));
    }
    for (uint i = start; i < end; i += 4) {
      t0[places[i]]++;
      t1[places[i + 1]]++;
      t2[places[i + 2]]++;
      ends[places[i + 3]]++;
    }
  }
  for (uint i = whole; i < count; i++) {
    places[i] = (ushort)bins_of((double8)(double)r[i], grid, inverse, is_sixteen).s0;
    ends[places[i]]++;
  }
  uint position = 0;
  for (uint bin = 0; bin < bins; bin++) {
    const uint a = position, b = a + t0[bin], c = b + t1[bin], d = c + t2[bin];
    position = d + ends[bin];
    t0[bin] = a;
    t1[bin] = b;
    t2[bin] = c;
    ends[bin] = d;
  }
  for (uint i = 0; i < whole; i += 4) {
    ordered[t0[places[i]]++] = r[i];
    ordered[t1[places[i + 1]]++] = r[i + 1];
    ordered[t2[places[i + 2]]++] = r[i + 2];
    ordered[ends[places[i + 3]]++] = r[i + 3];
  }
  for (uint i = whole; i < count; i++) ordered[ends[places[i]]++] = r[i];
}
#endif

// Moments of the blocks `from` to `to` of a width from the samples; bins count them from the narrowest, and `last`
// is where the row's last vector begins.
INLINE void NAMED(fill_blocks)(PLACED const SAMPLE *r, __global const double *payload, const int has_payload,
                        const block_grid grid, const double width, const uint first_bin,
                        __local const uint *ends, const uint last, const uint from, const uint to, const uint capacity,
                        __local double *moments, __local double *scratch) {
  const uint lane = get_local_id(0);
  const uint member = lane % TEAM;
  const double scale = 2 / width;
  for (uint turn = from; turn < to; turn += TEAMS) {
    const uint block = turn + lane / TEAM;
    const uint bin = first_bin + block;
    const uint begin = block < to && bin > 0 ? ends[bin - 1] : 0;
    const uint end = block < to ? ends[bin] : 0;
    const double centre = ((double)block + 0.5) * width;
    real m[BLOCK_POWERS];
#pragma unroll
    for (int k = 0; k < BLOCK_POWERS; k++) m[k] = 0;
    uint i = begin + member;
    for (; i + VEC <= end; i += 8) {
      const real u = ((real)centre - ((real)grid.maximum - LOAD_SAMPLE(r, i))) * (real)scale;
      add_powers(u, has_payload ? LOAD(payload, i) : (real)1.0, m);
    }
    // The last vector of a block ends among the samples of the next, but never in the next row, which another
    // work-group may be putting in order: there it begins among samples that are in already.
    if (i < end) {
#if VEC == 8
      const uint place = min(i, last);
      const real keep = keep_mask((long)end - place) - keep_mask((long)i - place);
#else
      const uint place = i;
      const real keep = 1.0;
#endif
      const real u = ((real)centre - ((real)grid.maximum - LOAD_SAMPLE(r, place))) * (real)scale;
      add_powers(keep_only(u, keep), has_payload ? keep_only(LOAD(payload, place), keep) : keep, m);
    }
#if VEC == 8
#pragma unroll
    for (int k = 0; k < BLOCK_POWERS; k++) moments[k * capacity + block] = total(m[k]);
#else
    // Eight powers at a time; the members of a team add up one each.
#pragma unroll
    for (int part = 0; part < (BLOCK_POWERS + 7) / 8; part++) {
      BARRIER(CLK_LOCAL_MEM_FENCE);
#pragma unroll
      for (int k = 0; k < 8; k++) {
        const int power = part * 8 + k;
        scratch[k * WG_SIZE + lane] = power < BLOCK_POWERS ? m[power] : 0;
      }
      BARRIER(CLK_LOCAL_MEM_FENCE);
      __local const double *team = scratch + member * WG_SIZE + lane - member;
      const double sum = ((team[0] + team[4]) + (team[2] + team[6])) + ((team[1] + team[5]) + (team[3] + team[7]));
      if (block < to && part * 8 + member < BLOCK_POWERS) moments[(part * 8 + member) * capacity + block] = sum;
    }
#endif
  }
}
#endif
