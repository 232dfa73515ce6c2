#line 2 "bootstrap.cl"
// SPDX-License-Identifier: Apache-2.0
// bootstrap.cl: Poisson(1) counts of each prompt in each replicate, and the replicates' sums.
// Layout:  counts[prompt * replicates + replicate]; values[prompt * columns + column];
//          sums[replicate * columns + column], totals[replicate].
// Launch:  counts: a work-item a (replicate, prompt); sums: a work-item a (column, replicate).
// Method:  word 0 of Philox4x32-10, key = seed, counter = (index low, index high, replicate, 0), against a
//          table of thresholds. Each sum adds its prompts in index order: the same bits as on a processor.
// Mirrors: EsscherCPU/Bootstrap.swift, EsscherCore/Philox.swift.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif

INLINE uint philox_word(uint4 counter, uint2 key) {
  for (int round = 0; round < 10; round++) {
    const uint high0 = mul_hi(0xD2511F53U, counter.x), low0 = 0xD2511F53U * counter.x;
    const uint high1 = mul_hi(0xCD9E8D57U, counter.z), low1 = 0xCD9E8D57U * counter.z;
    counter = (uint4)(high1 ^ counter.y ^ key.x, low1, high0 ^ counter.w ^ key.y, low0);
    key += (uint2)(0x9E3779B9U, 0xBB67AE85U);
  }
  return counter.x;
}

__kernel void bootstrap_counts(__global const ulong *restrict indices, __global const uint *restrict thresholds,
                               __global uchar *restrict counts, const ulong seed, const uint threshold_count,
                               const uint replicates) {
  const size_t replicate = get_global_id(0);
  const size_t prompt = get_group_id(1);
  if (replicate < replicates) {
    const ulong index = indices[prompt];
    const uint word = philox_word((uint4)((uint)index, (uint)(index >> 32), (uint)replicate, 0),
                                  (uint2)((uint)seed, (uint)(seed >> 32)));
    uint count = 0;
    while (count < threshold_count && word >= thresholds[count]) count++;
    counts[prompt * replicates + replicate] = (uchar)count;
  }
}

__kernel void bootstrap_sums(__global const uchar *restrict counts, __global const double *restrict values,
                             __global double *restrict sums, __global double *restrict totals,
                             const uint prompts, const uint columns, const uint replicates) {
  const size_t column = get_global_id(0);
  const size_t replicate = get_group_id(1);
  if (column < columns) {
    double sum = sums[replicate * columns + column];
    double all = column == 0 ? totals[replicate] : 0;
    for (uint prompt = 0; prompt < prompts; prompt++) {
      const double weight = counts[(size_t)prompt * replicates + replicate];
      sum += weight * values[(size_t)prompt * columns + column];
      all += weight;
    }
    sums[replicate * columns + column] = sum;
    if (column == 0) totals[replicate] = all;
  }
}
