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

// Distance below the maximum, in widths, at which the bin `bin` begins: bins are the blocks of the narrowest
// width, then the lower halves of those of each wider one.
INLINE double bin_start(const uint bin, const block_grid grid) {
  const uint level = bin < grid.size ? 0 : (bin - grid.half_size) / grid.half_size;
  return ldexp((double)(bin - level * grid.half_size), (int)level);
}

#if VEC == 8
// The bins of eight samples. `is_sixteen`: half the blocks are 16, so that the exponent and the first four bits behind it
// count them from the 16th on, and of the 16 before with 16 more.
INLINE long8 bins_of(const double8 r, const block_grid grid, const double inverse, const int is_sixteen) {
  const double8 t = fmin(((double8)grid.maximum - r) * (double8)inverse, (double8)0x1p40);
  const long8 last = (long8)(grid.size + (grid.levels - 1) * grid.half_size);
  if (is_sixteen) {
    const long8 is_first = t < (double8)16.0;
    const long8 count = as_long8(select(t, t + (double8)16.0, is_first)) >> (long8)48;
    const long8 bin = count - select((long8)(1026 << 4), (long8)(1027 << 4), is_first);
    return select(bin, last, bin > last);
  }
  // Exponent of t over half the blocks, at least 0.
  const double8 scaled = fmax(t * (double8)(1.0 / grid.half_size), (double8)1.0);
  const long8 level = (as_long8(scaled) >> (long8)52) - (long8)1023;
  const double8 place = t * as_double8(((long8)1023 - level) << (long8)52);
  // Rounded down, up to ties: a sample on an edge belongs to either side.
  const double8 whole = fmax(place - (double8)0.5, (double8)0.0) + (double8)0x1p52;
  const long8 bin = (as_long8(whole) & (long8)0xFFFFFFFFL) + level * (long8)grid.half_size;
  return select(bin, last, bin > last);
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
    BARRIER(CLK_LOCAL_MEM_FENCE);
    if (active) {
#pragma unroll
      for (int k = 0; k < BLOCK_POWERS; k++) STORE(first[k], base + k * capacity, block);
    }
    BARRIER(CLK_LOCAL_MEM_FENCE);
  }
}
#endif
