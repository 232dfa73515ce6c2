#line 2 "bootstrap.cl"
// SPDX-License-Identifier: Apache-2.0
// bootstrap.cl: Poisson(1) counts of each prompt in each replicate, times the prompts' statistics.
// Layout:  values[(panel * prompts + prompt) * 8 + c], panels of eight columns, zeros behind the last column;
//          sums[replicate * columns + column], totals[replicate]: columns a multiple of 8, replicates of REPLICATES.
// Launch:  work-groups (REPLICATES replicates, WG_SIZE * VEC columns; with VEC 8 all columns); local memory
//          REPLICATES * PROMPTS doubles.
// Macros:  VEC, WG_SIZE (common.cl).
// Method:  word 0 of Philox4x32-10, key = seed, counter = (index low, index high, replicate, 0), against a
//          table of thresholds. The counts of a few prompts are drawn into local memory, then each lane adds
//          them, times its columns, to sums in registers. Each sum adds its prompts one by one in index order
//          by fused multiply-add: the same bits as on a processor that has it.
// Mirrors: EsscherCPU/Bootstrap.swift, EsscherCore/Philox.swift.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif

#define REPLICATES 16
#define PROMPTS 128

#if VEC == 8
// Two vectors side by side: ten rounds of products wait for one another.
#define COUNTED 16
typedef ulong16 words;
typedef double16 many;
#define FIRST_WORDS ((words)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#define AS_MANY as_double16
#define SAVE(value, pointer) vstore16((value), 0, (pointer))
#else
#define COUNTED 1
typedef ulong words;
typedef double many;
#define FIRST_WORDS ((words)0)
#define AS_MANY as_double
#define SAVE(value, pointer) (*(pointer) = (value))
#endif

// Words of 32 bits in lanes of 64, so that a product keeps both its halves.
#define LOW_HALF 0xFFFFFFFFUL

// Counts of a prompt in COUNTED replicates.
INLINE many poisson_counts(const ulong index, const words replicates, const ulong seed,
                           __global const uint *thresholds, const uint threshold_count) {
  words c0 = (words)(index & LOW_HALF), c1 = (words)(index >> 32), c2 = replicates, c3 = (words)0;
  ulong key0 = seed & LOW_HALF, key1 = seed >> 32;
  // Only the low halves count; taken right before each product, they let compilers use the narrow multiplier.
#pragma unroll
  for (int round = 0; round < 10; round++) {
    const words product0 = (c0 & LOW_HALF) * 0xD2511F53UL, product1 = (c2 & LOW_HALF) * 0xCD9E8D57UL;
    c0 = (product1 >> 32) ^ c1 ^ key0;
    c2 = (product0 >> 32) ^ c3 ^ key1;
    c1 = product1;
    c3 = product0;
    key0 = (key0 + 0x9E3779B9UL) & LOW_HALF;
    key1 = (key1 + 0xBB67AE85UL) & LOW_HALF;
  }
  c0 &= LOW_HALF;
  // 2^52 plus a small integer has it for its low bits. A difference of numbers of 32 bits is negative in its top bit; a
  // comparison would do, but Oclgrind widens a true one of vectors to 255.
  words count = (words)(0x4330000000000000UL + threshold_count);
  for (uint k = 0; k < threshold_count; k++) count -= (c0 - (words)(ulong)thresholds[k]) >> 63;
  return AS_MANY(count) - 0x1p52;
}

__kernel void bootstrap(__global const ulong *restrict indices, __global const double *restrict values,
                        __global const uint *restrict thresholds, __global double *restrict sums,
                        __global double *restrict totals, const ulong seed, const uint threshold_count,
                        const uint prompts, const uint columns) {
  __local double counts[PROMPTS * REPLICATES];
  const uint lane = get_local_id(0);
  const size_t first = get_group_id(0) * REPLICATES;
#if VEC == 8
  const uint first_column = lane * VEC, column_step = WG_SIZE * VEC;
  const uint end_column = columns;
#else
  // One column a lane; lanes without one draw counts all the same.
  const uint first_column = get_group_id(1) * WG_SIZE + lane, column_step = WG_SIZE;
  const uint end_column = min(columns, (uint)(get_group_id(1) + 1) * WG_SIZE);
#endif
  for (uint start = 0; start < prompts; start += PROMPTS) {
    const uint count = min((uint)PROMPTS, prompts - start);
    for (uint i = lane; i < count * (REPLICATES / COUNTED); i += WG_SIZE) {
      const uint prompt = i / (REPLICATES / COUNTED), replicate = i % (REPLICATES / COUNTED) * COUNTED;
      const words numbers = ((words)(first + replicate) + FIRST_WORDS) & LOW_HALF;
      SAVE(poisson_counts(indices[start + prompt], numbers, seed, thresholds, threshold_count),
           counts + prompt * REPLICATES + replicate);
    }
    BARRIER(CLK_LOCAL_MEM_FENCE);
    if (get_group_id(1) == 0) {
      for (uint replicate = lane * VEC; replicate < REPLICATES; replicate += WG_SIZE * VEC) {
        real all = LOAD(totals, first + replicate);
        for (uint prompt = 0; prompt < count; prompt++) all += LOAD(counts, prompt * REPLICATES + replicate);
        STORE(all, totals, first + replicate);
      }
    }
    for (uint column = first_column; column < end_column; column += column_step) {
      __global const double *panel = values + ((size_t)(column / 8) * prompts + start) * 8 + column % 8;
      __global double *target = sums + first * columns + column;
      real sum[REPLICATES];
#pragma unroll
      for (uint r = 0; r < REPLICATES; r++) sum[r] = LOAD(target, (size_t)r * columns);
      for (uint prompt = 0; prompt < count; prompt++) {
        const real x = LOAD(panel, prompt * 8);
        __local const double *c = counts + prompt * REPLICATES;
#pragma unroll
        for (uint r = 0; r < REPLICATES; r++) sum[r] = fma((real)c[r], x, sum[r]);
      }
#pragma unroll
      for (uint r = 0; r < REPLICATES; r++) STORE(sum[r], target, (size_t)r * columns);
    }
    BARRIER(CLK_LOCAL_MEM_FENCE);
  }
}
