#line 2 "block_powers.cl"
// SPDX-License-Identifier: Apache-2.0
// block_powers.cl: the power moments of a whole row from those of the eight blocks that hold it.
// Layout:  moments as in block_moments.cl; out as in tilt_sweep.cl.
// Method:  (o + h u)^k, o a block's centre and h half its width in units of the reach, by twelve passes of
//          t_k <- t_k + o t_{k-1} over t_k = h^k sum u^k. A vector, or the eight lanes of a team, have a block each.
// Mirrors: CPUKernels/BlockPowersKernel.swift.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#ifndef ESSCHER_TILT
#include "tilt_forms.cl"
#endif
#ifndef ESSCHER_BLOCKS
#include "block_moments.cl"
#endif
#ifndef ESSCHER_POWERS
#define ESSCHER_POWERS

// Writes sum p u^k, k = 1...12, of rewards, ranks and gold, u = d / reach; `top` is where the first block starts and
// `half_width` half the blocks' width, both over the reach. Sets that are not there are 0. `second` is sum u^2, known without
// the blocks' rounding. All lanes must come, and scratch holds eight doubles a lane.
INLINE void block_powers(__local const double *moments, const uint sets, const uint capacity, const double top,
                         const double half_width, const double second, __global double *out,
                         __local double *scratch) {
  const uint lane = get_local_id(0);
  const uint member = lane % TEAM;
  for (uint turn = 0; turn < 3; turn += TEAMS) {
    const uint set = turn + lane / TEAM;
    __local const double *own = moments + (set < sets ? set : 0) * BLOCK_POWERS * capacity;
#if VEC == 8
    const real place = convert_double8(STEPS) + (real)0.5;
#else
    const real place = (double)member + 0.5;
#endif
    const real o = fma(place, (real)(-2 * half_width), (real)top);
    real t[POWERS + 1];
    double scale = set < sets ? 1.0 : 0.0;
#pragma unroll
    for (int k = 0; k <= POWERS; k++) {
      t[k] = LOAD(own + k * capacity, member) * (real)scale;
      scale *= half_width;
    }
#pragma unroll
    for (int start = 1; start <= POWERS; start++)
#pragma unroll
      for (int k = POWERS; k >= start; k--) t[k] = fma(o, t[k - 1], t[k]);
#if VEC == 8
    if (set < 3) {
#pragma unroll
      for (int k = 1; k <= POWERS; k++) out[set * POWERS + k - 1] = total(t[k]);
    }
#else
    // Eight powers at a time, as blocks are filled.
#pragma unroll
    for (int part = 0; part < 2; part++) {
      BARRIER(CLK_LOCAL_MEM_FENCE);
#pragma unroll
      for (int k = 0; k < 8; k++) {
        const int power = part * 8 + k + 1;
        scratch[k * WG_SIZE + lane] = power <= POWERS ? t[power] : 0;
      }
      BARRIER(CLK_LOCAL_MEM_FENCE);
      __local const double *team = scratch + member * WG_SIZE + lane - member;
      const double sum = ((team[0] + team[4]) + (team[2] + team[6])) + ((team[1] + team[5]) + (team[3] + team[7]));
      const int power = part * 8 + member + 1;
      if (set < 3 && power <= POWERS) out[set * POWERS + power - 1] = sum;
    }
#endif
  }
  BARRIER(CLK_GLOBAL_MEM_FENCE);
  if (lane == 0) out[1] = second;
}
#endif
