#line 2 "block_sums.cl"
// SPDX-License-Identifier: Apache-2.0
// block_sums.cl: the tilt's sums at a lambda from the moments of blocks.
// Layout:  moments as in block_moments.cl; records as in tilt_sweep.cl.
// Method:  sum e^{lambda s} of a block is e^{lambda o} sum_k c_k sum u^k, o its centre, u a sample's place in it; c_k of
//          e^{tau u}, tau = lambda width/2 <= 3/2, without its Chebyshev polynomials beyond T_15. A vector, or the eight
//          lanes of a team, have a block each.
// Mirrors: CPUKernels/BlockSumsKernel.swift, EsscherCPU/BlockGrid.swift (series).

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#ifndef ESSCHER_BLOCKS
#include "block_moments.cl"
#endif
#ifndef ESSCHER_BLOCK_SUMS
#define ESSCHER_BLOCK_SUMS
// Sums of a lambda over blocks.
#define BLOCK_SUMS 8

// Shares of the powers 16, 18, 20 and 17, 19 of tau in the coefficients of u^0, u^2, ... and of u^1, u^3, ...:
// u^16 to u^20 by their Chebyshev polynomials up to T_15. Dyadic fractions of few digits, so exact.
__constant double HIGH_SHARES[5][8] = {
    {-1.0 / 32768, 1.0 / 256, -21.0 / 256, 21.0 / 32, -165.0 / 64, 11.0 / 2, -13.0 / 2, 4.0},
    {-17.0 / 131072, 1071.0 / 65536, -1377.0 / 4096, 5355.0 / 2048, -5049.0 / 512, 5049.0 / 256, -663.0 / 32,
     153.0 / 16},
    {-171.0 / 524288, 665.0 / 16384, -53865.0 / 65536, 12825.0 / 2048, -47025.0 / 2048, 5643.0 / 128, -11115.0 / 256,
     285.0 / 16},
    {-17.0 / 65536, 51.0 / 4096, -357.0 / 2048, 561.0 / 512, -935.0 / 256, 221.0 / 32, -119.0 / 16, 17.0 / 4},
    {-19.0 / 16384, 3591.0 / 65536, -1539.0 / 2048, 9405.0 / 2048, -1881.0 / 128, 6669.0 / 256, -399.0 / 16,
     171.0 / 16}};

// c_k, k < 16, of e^{tau u} = sum_k c_k u^k without its Chebyshev polynomials beyond T_15; c_0 less 1.
INLINE void block_factors(const double tau, double *c) {
  double power[21];
  power[0] = 1;
#pragma unroll
  for (int k = 1; k <= 20; k++) power[k] = power[k - 1] * (tau * (1.0 / k));
#pragma unroll
  for (int k = 0; k < 8; k++) {
    const double even = fma(power[20], HIGH_SHARES[2][k],
                            fma(power[18], HIGH_SHARES[1][k], power[16] * HIGH_SHARES[0][k]));
    const double odd = fma(power[19], HIGH_SHARES[4][k], power[17] * HIGH_SHARES[3][k]);
    c[2 * k] = k > 0 ? power[2 * k] + even : even;
    c[2 * k + 1] = power[2 * k + 1] + odd;
  }
}

// sum_k c_k (moment k + shift), k < 16, from the smallest terms on.
INLINE real series(__local const double *moments, const uint block, const uint capacity, const double *c,
                   const int shift) {
  real sum = (real)c[15] * LOAD(moments + (15 + shift) * capacity, block);
#pragma unroll
  for (int k = 14; k >= 0; k--) sum = fma((real)c[k], LOAD(moments + (k + shift) * capacity, block), sum);
  return sum + LOAD(moments + shift * capacity, block);
}

// A team's sums over the first `count` blocks at one lambda:
//   0 sum e^x   1 sum (e^x - 1)   2 sum s e^x   3 sum s^2 e^x   4 sum a e^x   5 sum g e^x   6 sum g s e^x
//   7 samples
// with s the distance above `offset`'s zero, x = lambda s. `offset` is the place of the first block's start. `depth` is
// 2 for all of them, 1 for 0, 2, 5 and 7, 0 for 0 and 7: a series of three, two or one. A constant at every call.
INLINE void block_sums(__local const double *moments, const uint count, const uint capacity, const double offset,
                       const double width, const double lambda, const int depth, const int has_rank,
                       const int has_gold, real *sums) {
  const double half_width = width / 2;
  double c[16];
  block_factors(lambda * half_width, c);
  __local const double *ranks = moments + BLOCK_POWERS * capacity;
  __local const double *golds = ranks + BLOCK_POWERS * capacity;
  for (uint turn = 0; turn < count; turn += 8) {
    const uint block = turn + get_local_id(0) % TEAM;
#if VEC == 8
    const real place = convert_double8(STEPS) + (real)((double)turn + 0.5);
#else
    const real place = (double)block + 0.5;
#endif
    const real o = fma(place, (real)-width, (real)offset);
    real scale;
    const real em1 = exp_parts(o * (real)lambda, &scale);
    const real e = em1 + scale;
    // Three series from one read of the moments; the first without the 1 of c_0, of which e^x - 1 is made.
    real after = LOAD(moments + 16 * capacity, block), next = LOAD(moments + 15 * capacity, block);
    real a0 = (real)c[15] * next, a1 = (real)c[15] * after;
    real a2 = (real)c[15] * LOAD(moments + 17 * capacity, block);
#pragma unroll
    for (int k = 14; k > 0; k--) {
      const real own = LOAD(moments + k * capacity, block);
      a0 = fma((real)c[k], own, a0);
      if (depth > 0) a1 = fma((real)c[k], next, a1);
      if (depth > 1) a2 = fma((real)c[k], after, a2);
      after = next;
      next = own;
    }
    const real samples = LOAD(moments, block);
    a0 = fma((real)c[0], samples, a0);
    const real full = a0 + samples;
    sums[0] = fma(e, full, sums[0]);
    sums[7] += samples;
    if (depth > 0) {
      a1 = fma((real)c[0], next, a1) + next;
      const real first = fma(o, full, (real)half_width * a1);
      sums[2] = fma(e, first, sums[2]);
      if (depth > 1) {
        sums[1] = fma(em1 + (scale - (real)1.0), samples, fma(e, a0, sums[1]));
        a2 = fma((real)c[0], after, a2) + after;
        // o^2 A0 + 2 o h A1 + h^2 A2 = o (o A0 + h A1) + h (o A1 + h A2)
        const real rest = fma(o, a1, (real)half_width * a2) * (real)half_width;
        sums[3] = fma(e, fma(o, first, rest), sums[3]);
      }
    }
    if (depth > 1 && has_rank) sums[4] = fma(e, series(ranks, block, capacity, c, 0), sums[4]);
    if (depth > 0 && has_gold) {
      const real own = series(golds, block, capacity, c, 0);
      sums[5] = fma(e, own, sums[5]);
      if (depth > 1) {
        const real next = series(golds, block, capacity, c, 1);
        sums[6] = fma(e, fma(o, own, (real)half_width * next), sums[6]);
      }
    }
  }
}

// The sums of one lambda, or at twice a lambda for the squares of its weights, to its record.
INLINE void store_block_sums(const real *sums, const int is_square, const int is_active, const uint count,
                             __global double *record, __local double *scratch) {
  double whole[BLOCK_SUMS];
#if VEC == 8
#pragma unroll
  for (int f = 0; f < BLOCK_SUMS; f++) whole[f] = total(sums[f]);
  const int writes = is_active;
#else
  const uint lane = get_local_id(0);
  BARRIER(CLK_LOCAL_MEM_FENCE);
#pragma unroll
  for (int f = 0; f < BLOCK_SUMS; f++) scratch[f * WG_SIZE + lane] = sums[f];
  BARRIER(CLK_LOCAL_MEM_FENCE);
#pragma unroll
  for (int f = 0; f < BLOCK_SUMS; f++) {
    __local const double *team = scratch + f * WG_SIZE + lane / TEAM * TEAM;
    whole[f] = ((team[0] + team[4]) + (team[2] + team[6])) + ((team[1] + team[5]) + (team[3] + team[7]));
  }
  const int writes = is_active && lane % TEAM == 0;
#endif
  if (writes && is_square) {
    record[4] = whole[0];
    record[7] = whole[2];
    record[8] = whole[5];
  }
  if (writes && !is_square) {
    record[0] = whole[0];
    // Samples beyond the blocks have e^x - 1 = -1.
    record[1] = whole[1] - (count - whole[7]);
    record[2] = whole[2];
    record[3] = whole[3];
    record[5] = whole[4];
    record[6] = whole[5];
    record[9] = whole[6];
  }
}
#endif
