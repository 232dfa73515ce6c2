#line 2 "block_moments.cl"
// SPDX-License-Identifier: Apache-2.0
// block_moments.cl: the blocks of a row's neighbouring samples, and their power moments.
// Layout:  moments[(set * BLOCK_POWERS + power) * capacity + block] = sum of p u^power, u the sample's place in
//          its block in [-1, 1], p = 1, rank or gold by set.
// Macros:  BLOCK_LEVELS (widths of blocks, each twice the one before).
// Mirrors: EsscherCPU/BlockGrid.swift, CPUKernels/BlockMomentsKernel.swift.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#ifndef ESSCHER_BLOCKS
#define ESSCHER_BLOCKS
#ifndef BLOCK_LEVELS
#define BLOCK_LEVELS 18
#endif
#define BLOCK_POWERS 18
#define BLOCK_LARGEST 48
#define BLOCK_BINS (BLOCK_LARGEST + (BLOCK_LEVELS - 1) * (BLOCK_LARGEST / 2))
// Tables in which samples are counted: neighbours that fall into one bin would wait for each other.
#define BLOCK_TABLES (VEC == 8 ? 4 : 1)
// Samples whose bins are found at a time.
#define BLOCK_PART 1024
// Samples of a row that is not sorted by which is judged how many count.
#define BLOCK_LOOK 512
// Largest lambda width/2.
#define BLOCK_STEP 1.5
// Lanes that work on eight blocks, and how many eights are worked on at once.
#define TEAM (8 / VEC)
#define TEAMS (WG_SIZE / TEAM)

// A row's blocks.
typedef struct {
  double maximum, top, range, width, cut;
  // Blocks of a width, the half of them, and widths.
  uint size, half_size, levels;
} block_grid;

// Exponents below the largest that count: beyond are at most M^1.5 e^-cut = 1e-13, M rounded up to a power
// of 2.
INLINE double cut_of(const uint count) {
  return 30 + 1.5 * 0.693147180559945309 * (double)(32 - clz(count));
}

// Samples of a row less than `reach` below the maximum; of a sorted row by bisection, of another judged by a few.
INLINE uint count_within(__global const double *r, const uint count, const double maximum, const double reach,
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
    some += select((real)0.0, keep_mask((long)count - i), (real)maximum - LOAD(r, i) < (real)reach);
  found = step * total(some);
#endif
  return (uint)found;
}

// Distance below the maximum, in widths, at which the bin `bin` begins: bins are the blocks of the narrowest
// width, then the lower halves of those of each wider one.
INLINE double bin_start(const uint bin, const block_grid grid) {
  const uint level = bin < grid.size ? 0 : (bin - grid.half_size) / grid.half_size;
  return ldexp((double)(bin - level * grid.half_size), (int)level);
}

#if VEC == 8
// The bins of eight samples.
INLINE long8 bins_of(const double8 r, const block_grid grid, const double inverse) {
  const double8 t = fmin(((double8)grid.maximum - r) * (double8)inverse, (double8)0x1p40);
  // Exponent of t over half the blocks, at least 0.
  const double8 scaled = fmax(t * (double8)(1.0 / grid.half_size), (double8)1.0);
  const long8 level = (as_long8(scaled) >> (long8)52) - (long8)1023;
  const double8 place = t * as_double8(((long8)1023 - level) << (long8)52);
  // Rounded down, up to ties: a sample on an edge belongs to either side.
  const double8 whole = fmax(place - (double8)0.5, (double8)0.0) + (double8)0x1p52;
  const long8 bin = (as_long8(whole) & (long8)0xFFFFFFFFL) + level * (long8)grid.half_size;
  const long8 last = (long8)(grid.size + (grid.levels - 1) * grid.half_size);
  return select(bin, last, bin > last);
}

// Counts the samples of each bin, and puts them in the order of their bins; ends[bin] is one past its last. Each of the
// BLOCK_TABLES takes every fourth sample; the first is that of the last in a bin. `places` has room for the row's bins:
// they are found by vectors and read one by one, which is quicker than taking vectors apart.
INLINE void order_by_bins(__global const double *r, const uint count, const block_grid grid, __global ushort *places,
                          __global double *ordered, __local uint *ends) {
  const double inverse = 1 / grid.width;
  const uint bins = grid.size + (grid.levels - 1) * grid.half_size + 1;
  __local uint *t0 = ends + 3 * (BLOCK_BINS + 1), *t1 = ends + 2 * (BLOCK_BINS + 1), *t2 = ends + (BLOCK_BINS + 1);
  for (uint bin = 0; bin < bins; bin++) t0[bin] = t1[bin] = t2[bin] = ends[bin] = 0;
  const uint whole = count / 8 * 8;
  for (uint start = 0; start < whole; start += BLOCK_PART) {
    const uint end = min(start + BLOCK_PART, whole);
    for (uint i = start; i < end; i += 8) {
      const double8 v = LOAD(r, i);
      // Brings the row's place into the caches, in order: scattered stores into cold memory wait for each line.
      STORE(v, ordered, i);
      // Rows begin at multiples of eight; PoCL takes a vstore8 of shorts apart.
      *(__global ushort8 *)(places + i) = convert_ushort8(bins_of(v, grid, inverse));
    }
    for (uint i = start; i < end; i += 4) {
      t0[places[i]]++;
      t1[places[i + 1]]++;
      t2[places[i + 2]]++;
      ends[places[i + 3]]++;
    }
  }
  for (uint i = whole; i < count; i++) {
    places[i] = (ushort)bins_of((double8)r[i], grid, inverse).s0;
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

// Adds p u^k, k = 1...17, to the sums. Half the powers are products, the others ride on a fused sum.
INLINE void add_powers(const real u, const real p, real *m) {
  const real u2 = u * u, u4 = u2 * u2, u8 = u4 * u4, u12 = u8 * u4, u16 = u8 * u8;
  const real p1 = p * u, p2 = p * u2, p3 = p1 * u2, p4 = p2 * u2;
  m[0] += p;
  m[1] += p1;
  m[2] += p2;
  m[3] += p3;
  m[4] += p4;
  m[5] = fma(p1, u4, m[5]);
  m[6] = fma(p2, u4, m[6]);
  m[7] = fma(p3, u4, m[7]);
  m[8] = fma(p4, u4, m[8]);
  m[9] = fma(p1, u8, m[9]);
  m[10] = fma(p2, u8, m[10]);
  m[11] = fma(p3, u8, m[11]);
  m[12] = fma(p4, u8, m[12]);
  m[13] = fma(p1, u12, m[13]);
  m[14] = fma(p2, u12, m[14]);
  m[15] = fma(p3, u12, m[15]);
  m[16] = fma(p4, u12, m[16]);
  m[17] = fma(p1, u16, m[17]);
}

// Moments of the blocks `from` to `to` of a width from the samples; bins count them from the narrowest, and `last`
// is where the row's last vector begins.
INLINE void fill_blocks(__global const double *r, __global const double *payload, const int has_payload,
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
      const real u = ((real)centre - ((real)grid.maximum - LOAD(r, i))) * (real)scale;
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
      const real u = ((real)centre - ((real)grid.maximum - LOAD(r, place))) * (real)scale;
      add_powers(keep_only(u, keep), has_payload ? keep_only(LOAD(payload, place), keep) : keep, m);
    }
#if VEC == 8
#pragma unroll
    for (int k = 0; k < BLOCK_POWERS; k++) moments[k * capacity + block] = total(m[k]);
#else
    // Eight powers at a time; the members of a team add up one each.
#pragma unroll
    for (int part = 0; part < (BLOCK_POWERS + 7) / 8; part++) {
      barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
      for (int k = 0; k < 8; k++) {
        const int power = part * 8 + k;
        scratch[k * WG_SIZE + lane] = power < BLOCK_POWERS ? m[power] : 0;
      }
      barrier(CLK_LOCAL_MEM_FENCE);
      __local const double *team = scratch + member * WG_SIZE + lane - member;
      const double sum = ((team[0] + team[4]) + (team[2] + team[6])) + ((team[1] + team[5]) + (team[3] + team[7]));
      if (block < to && part * 8 + member < BLOCK_POWERS) moments[(part * 8 + member) * capacity + block] = sum;
    }
#endif
  }
}

// Moments about the middle of twice the width, of the nearer child (sign 1) or the farther one (sign -1):
// u' = (u + sign)/2, by Pascal's triangle.
INLINE void move_centre(real *m, const real sign) {
#pragma unroll
  for (int start = 1; start < BLOCK_POWERS; start++)
#pragma unroll
    for (int k = BLOCK_POWERS - 1; k >= start; k--) m[k] = fma(sign, m[k - 1], m[k]);
}

// Merges the blocks of every set by pairs, in place: parent b of children 2b and 2b + 1. A turn's parents lie
// before the children of the turns behind it.
INLINE void merge_blocks(__local double *moments, const uint sets, const uint count, const uint capacity) {
  const uint parents = (count + 1) / 2;
  // Vectors of parents, all sets'.
  const uint each = (parents + VEC - 1) / VEC;
  for (uint turn = 0; turn < sets * each; turn += WG_SIZE) {
    const uint item = turn + get_local_id(0);
    const int active = item < sets * each;
    const uint block = active ? item % each * VEC : 0;
    __local double *base = moments + (active ? item / each : 0) * BLOCK_POWERS * capacity;
    real first[BLOCK_POWERS], second[BLOCK_POWERS];
#pragma unroll
    for (int k = 0; k < BLOCK_POWERS; k++) {
      __local const double *pair = base + k * capacity + 2 * block;
#if VEC == 8
      const double8 low = vload8(0, pair), high = vload8(1, pair);
      first[k] = (double8)(low.even, high.even);
      second[k] = (double8)(low.odd, high.odd);
#else
      first[k] = pair[0];
      second[k] = pair[1];
#endif
    }
    move_centre(first, (real)1.0);
    move_centre(second, (real)-1.0);
#pragma unroll
    for (int k = 0; k < BLOCK_POWERS; k++) first[k] = (first[k] + second[k]) * (real)(1.0 / (1 << k));
    barrier(CLK_LOCAL_MEM_FENCE);
    if (active) {
#pragma unroll
      for (int k = 0; k < BLOCK_POWERS; k++) STORE(first[k], base + k * capacity, block);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
}
#endif
