#line 2 "tilt_blocks.cl"
// SPDX-License-Identifier: Apache-2.0
// tilt_blocks.cl: how each row's lambdas are divided, and the sums of those that blocks of neighbouring
// samples serve.
// Layout:  rows as in row_summary.cl; sums and lambdas as in tilt_sweep.cl; plans[row * PLAN_STRIDE + field];
//          reaches[row * lambda_count + lambda] = samples that tilt_sweep has to read for it.
// Launch:  one work-group of WG_SIZE lanes a row, WG_SIZE at least 8 where VEC is 1; local memory for
//          `capacity` blocks of each set.
// Method:  blocks of equal width from the largest sample down. Rows that are not sorted are put in the
//          order of their blocks first (processors; GPUs sort). A lambda is served by the width at which
//          lambda width/2 is in (3/8, 3/4], by 16 terms of the series in a sample's place in its block;
//          wider blocks are merged from narrower ones as lambda falls. Eight blocks are worked on at
//          once, by a vector or by eight lanes, in the same order.
// Mirrors: EsscherCPU/BlockGrid.swift, BlockSweep.swift; EsscherOpenCL/TiltSweep.swift (sizes).

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#ifndef ESSCHER_TILT
#include "tilt_forms.cl"
#endif
#ifndef ESSCHER_BLOCKS
#include "block_moments.cl"
#endif
// Least (lambda sigma)^2 about the mean, and largest lambda (max - mean): what blocks round costs no digit there.
#define BLOCK_SPREAD (1.0 / 1024)
#define BLOCK_EXPONENT 1024.0
// Shorter rows, lambdas that fewer samples count at, and fewer lambdas are summed over samples. Measured on PoCL.
#define BLOCK_SAMPLES 512
#define BLOCK_REACH 256
#define BLOCK_LAMBDAS 4
// Sums of a lambda over blocks.
#define BLOCK_SUMS 8

// sum_k t^k/k! (moment k + shift), k < 16, by Horner's rule; steps[k] = t/k.
INLINE real series(__local const double *moments, const uint block, const uint capacity, const double *steps,
                   const int shift) {
  real sum = LOAD(moments + (15 + shift) * capacity, block);
#pragma unroll
  for (int k = 15; k > 0; k--) sum = fma(sum, (real)steps[k], LOAD(moments + (k - 1 + shift) * capacity, block));
  return sum;
}

// A team's sums over the first `count` blocks at one lambda:
//   0 sum e^x   1 sum (e^x - 1)   2 sum s e^x   3 sum s^2 e^x   4 sum a e^x   5 sum g e^x   6 sum g s e^x
//   7 samples
// with s the distance above `offset`'s zero, x = lambda s. `offset` is the place of the first block's start.
INLINE void block_sums(__local const double *moments, const uint count, const uint capacity, const double offset,
                       const double width, const double lambda, const int has_rank, const int has_gold,
                       real *sums) {
  const double half_width = width / 2;
  double steps[16];
#pragma unroll
  for (int k = 1; k < 16; k++) steps[k] = lambda * half_width * (1.0 / k);
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
    const real samples = LOAD(moments, block);
    // The first series without its first term, of which e^x - 1 is made.
    real a0 = LOAD(moments + 15 * capacity, block);
#pragma unroll
    for (int k = 15; k > 1; k--) a0 = fma(a0, (real)steps[k], LOAD(moments + (k - 1) * capacity, block));
    a0 *= (real)steps[1];
    const real a1 = series(moments, block, capacity, steps, 1);
    const real a2 = series(moments, block, capacity, steps, 2);
    const real full = a0 + samples;
    sums[0] = fma(e, full, sums[0]);
    sums[1] = fma(em1 + (scale - (real)1.0), samples, fma(e, a0, sums[1]));
    const real first = fma(o, full, (real)half_width * a1);
    sums[2] = fma(e, first, sums[2]);
    // o^2 A0 + 2 o h A1 + h^2 A2 = o (o A0 + h A1) + h (o A1 + h A2)
    const real rest = fma(o, a1, (real)half_width * a2) * (real)half_width;
    sums[3] = fma(e, fma(o, first, rest), sums[3]);
    if (has_rank) sums[4] = fma(e, series(ranks, block, capacity, steps, 0), sums[4]);
    if (has_gold) {
      const real own = series(golds, block, capacity, steps, 0);
      const real next = series(golds, block, capacity, steps, 1);
      sums[5] = fma(e, own, sums[5]);
      sums[6] = fma(e, fma(o, own, (real)half_width * next), sums[6]);
    }
    sums[7] += samples;
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
  barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
  for (int f = 0; f < BLOCK_SUMS; f++) scratch[f * WG_SIZE + lane] = sums[f];
  barrier(CLK_LOCAL_MEM_FENCE);
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

// Whether lambdas `first` to `end` have equal steps to their rounding: x = lambda d of at most 700 then is off by
// 700 * 2^-52 at most. In rows longer than 2^16, sum (e^x - 1) may be too small for the differences that runs make.
INLINE int has_equal_steps(__global const double *grid, const uint first, const uint end, const uint count) {
  if (count > 1 << 16 || end < first + 2) return 0;
  const double step = (grid[end - 1] - grid[first]) / (double)(end - 1 - first);
  for (uint l = first; l < end; l++)
    if (!(fabs(grid[l] - (grid[first] + step * (double)(l - first))) <= 0x1p-52 * grid[l])) return 0;
  return 1;
}

// Lambdas, or doubled lambdas, from `first` on that are at most `limit`.
INLINE uint served_end(__global const double *grid, const uint first, const uint end, const double limit) {
  uint low = first, high = end;
  while (low < high) {
    const uint guess = (low + high) / 2;
    if (grid[guess] <= limit) low = guess + 1;
    else high = guess;
  }
  return low;
}

__kernel void tilt_blocks(__global const double *restrict values, __global const double *restrict rank,
                          __global const double *restrict gold, __global const ulong *restrict offsets,
                          __global const uint *restrict counts, __global const double *restrict summaries,
                          __global const double *restrict lambdas, __global uint *restrict plans,
                          __global uint *restrict reaches, __global double *restrict sums,
                          __global double *restrict ordered, __local double *moments, const uint lambda_count,
                          const ulong lambda_first, const uint lambda_stride, const uint capacity,
                          const uint flags) {
  __local uint ends[BLOCK_BINS + 1];
  __local double scratch[VEC == 8 ? 1 : BLOCK_SUMS * WG_SIZE];
  const size_t row = get_group_id(0);
  const uint lane = get_local_id(0);
  const uint count = counts[row];
  const int weighted = (flags & HAS_WEIGHTS) != 0;
  const int is_sorted = (flags & IS_SORTED) != 0 && !weighted;
  const row_shape shape = shape_of(summaries + row * SUMMARY_STRIDE, weighted ? 1.0 : (double)count);
  // Squares are sums at twice a lambda.
  const double multiple = flags & HAS_SQUARES ? 2 : 1;
  __global const double *r = values + offsets[row];
  __global const double *grid = lambdas + lambda_first + row * lambda_stride;

  uint centred = 0;
  while (centred < lambda_count && !(shape.reach > 0 && grid[centred] * shape.reach > 0.5)) centred++;
  uint topped = centred;
  while (topped < lambda_count && form_of(grid[topped], shape) == FORM_CENTRED) topped++;

  block_grid blocks;
  blocks.maximum = shape.maximum;
  blocks.top = shape.highest;
  blocks.cut = cut_of(max(count, 1U));
  blocks.range = shape.maximum - summaries[row * SUMMARY_STRIDE + S_LOWEST];
  // cut/lambda over a width of 3/4 / lambda, the narrowest that serves lambda.
  blocks.size = min(((uint)(blocks.cut / BLOCK_STEP) + 16) / 16 * 16, capacity);
  blocks.half_size = blocks.size / 2;

  // Blocks serve `first` to `end`: no lambda so small that they lose its digits, none that few samples count at.
  uint first = topped;
  const int may_block = (flags & HAS_BLOCKS) != 0 && !weighted && count >= BLOCK_SAMPLES;
  for (int more = may_block; more && first > centred;) {
    const double lambda = grid[first - 1];
    // The squares of a centred tilt need all samples.
    const double reach = fmin(blocks.range, blocks.cut / (multiple * lambda) + blocks.top);
    more = lambda * lambda * shape.variance >= BLOCK_SPREAD && reach * multiple * lambda <= BLOCK_STEP * (blocks.size - 2);
    first -= more;
  }
  uint limit = first;
  if (may_block)
    while (limit < lambda_count && grid[limit] * blocks.top <= BLOCK_EXPONENT &&
           grid[limit] <= grid[first] * (1 << (BLOCK_LEVELS - 3)))
      limit++;
  uint end = max(first, min(topped, limit));
  while (end < limit) {
    const uint guess = (end + limit) / 2;
    const uint within = count_within(r, count, shape.maximum, blocks.cut / grid[guess], is_sorted);
    if (within > BLOCK_REACH) end = guess + 1;
    else limit = guess;
  }
  int may_order = is_sorted;
#if VEC == 8
  may_order = 1;
#endif
  // Lanes do not order rows themselves; without sorted ones they leave all to the samples.
  if (!may_order || end < first + BLOCK_LAMBDAS) first = end = topped;

  const double finest = end > first ? multiple * grid[end - 1] : 1;
  blocks.width = 2 * BLOCK_STEP / finest;
  blocks.levels = 1;
  while (end > first && grid[first] <= ldexp(finest, -(int)blocks.levels)) blocks.levels++;
  const uint bins = end > first ? blocks.size + (blocks.levels - 1) * blocks.half_size : 0;

  const int is_ordered = !is_sorted && end > first;
#if VEC == 8
  if (is_sorted) {
    uint position = 0;
    for (uint bin = 0; bin < bins; bin++) {
      const double edge = bin_start(bin + 1, blocks) * blocks.width;
      while (position + 8 <= count && shape.maximum - r[position + 7] < edge) position += 8;
      while (position < count && shape.maximum - r[position] < edge) position++;
      ends[bin] = position;
    }
  }
  if (is_ordered) {
    order_by_bins(r, count, blocks, ordered + offsets[row], ends);
    r = ordered + offsets[row];
  }
#else
  for (uint turn = 0; turn < bins; turn += WG_SIZE) {
    const uint bin = turn + lane;
    if (bin < bins) ends[bin] = count_within(r, count, shape.maximum, bin_start(bin + 1, blocks) * blocks.width, 1);
  }
#endif
  barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);

  for (uint turn = 0; turn < lambda_count; turn += WG_SIZE) {
    const uint l = turn + lane;
    if (l < lambda_count) {
      uint reach = l >= first && l < end ? 0 : count;
      if (l >= topped && l >= end) {
        const double distance = blocks.cut / grid[l];
        if (is_sorted) reach = count_within(r, count, shape.maximum, distance, 1);
#if VEC == 8
        if (is_ordered)
          reach = ends[bins_of((double8)(shape.maximum - distance), blocks, 1 / blocks.width).s0];
#endif
        // Whole vectors, as on the processor: short rows lose nothing then.
        reach = min(count, (reach + 7) / 8 * 8);
      }
      reaches[row * lambda_count + l] = reach;
      sums[(row * lambda_count + l) * TILT_STRIDE + TILT_FIELDS] =
          l < centred ? FORM_MOMENTS : l < topped ? FORM_CENTRED : FORM_TOPPED;
    }
  }
  if (lane == 0) {
    plans[row * PLAN_STRIDE + PLAN_CENTRED] = centred;
    plans[row * PLAN_STRIDE + PLAN_FIRST] = first;
    plans[row * PLAN_STRIDE + PLAN_END] = end;
    plans[row * PLAN_STRIDE + PLAN_ORDERED] = is_ordered;
    plans[row * PLAN_STRIDE + PLAN_STEPS] = !weighted && has_equal_steps(grid, topped, lambda_count, count);
  }

  const int has_rank = (flags & HAS_RANK) != 0;
  const int has_gold = (flags & HAS_RANK) != 0 && (flags & HAS_GOLD) != 0;
  const uint sets = 1 + has_rank + has_gold;
  __global const double *a = rank + (has_rank ? offsets[row] : 0);
  __global const double *g = gold + (has_gold ? offsets[row] : 0);
  double width = blocks.width, served = finest;
  // Blocks in use, and lambdas that wider ones serve: their own sums, and those at their doubles.
  uint used = 0, next = end, square = flags & HAS_SQUARES ? end : first;
  const uint levels = end > first ? blocks.levels : 0;
  const uint last = (max(count, 8U) + 7) / 8 * 8 - 8;
  for (uint level = 0; level < levels; level++) {
    const uint before = used;
    if (level > 0) {
      merge_blocks(moments, sets, used, capacity);
      used = (used + 1) / 2;
    }
    // One more than the range needs, lest rounding leave out the last sample.
    const double across = blocks.range / width;
    const uint wanted = across < (double)blocks.size - 2 ? (uint)across + 2 : blocks.size;
    // Blocks that were fewer than `size` hold the whole row.
    const uint goal = before == blocks.size || level == 0 ? max(used, wanted) : used;
    const uint bin = level * blocks.half_size;
#if VEC == 8
    // Without payload in a loop of its own.
    fill_blocks(r, r, 0, blocks, width, bin, ends, last, used, goal, capacity, moments, scratch);
    for (uint set = 1; set < sets; set++)
#else
    for (uint set = 0; set < sets; set++)
#endif
      fill_blocks(r, set > 1 ? g : a, set > 0, blocks, width, bin, ends, last, used, goal, capacity,
                  moments + set * BLOCK_POWERS * capacity, scratch);
    used = goal;
    // Empty blocks up to the end of what vectors and pairs of them read.
    const uint empty = min((used + 15) / 16 * 16, capacity) - used;
    const uint cells = sets * BLOCK_POWERS * empty;
    for (uint turn = 0; turn < cells; turn += WG_SIZE) {
      const uint cell = turn + lane;
      if (cell < cells) moments[cell / empty * capacity + used + cell % empty] = 0;
    }
    barrier(CLK_LOCAL_MEM_FENCE);

    const uint own = served_end(grid, first, next, served / 2);
    const uint doubled = served_end(grid, first, square, served / 4);
    const uint tasks = (next - own) + (square - doubled);
    for (uint turn = 0; turn < tasks; turn += TEAMS) {
      const uint task = min(turn + lane / TEAM, tasks - 1);
      const int is_square = task >= next - own;
      const uint index = is_square ? doubled + (task - (next - own)) : own + task;
      const double lambda = is_square ? 2 * grid[index] : grid[index];
      const double offset = index < topped ? blocks.top : 0;
      const double needed = fmin(blocks.range, blocks.cut / lambda + offset) / width;
      real found[BLOCK_SUMS];
#pragma unroll
      for (int f = 0; f < BLOCK_SUMS; f++) found[f] = 0;
      block_sums(moments, needed < (double)used ? (uint)needed + 1 : used, capacity, offset, width, lambda,
                 has_rank && !is_square, has_gold, found);
      store_block_sums(found, is_square, turn + lane / TEAM < tasks, count,
                       sums + (row * lambda_count + index) * TILT_STRIDE, scratch);
    }
    next = own;
    square = doubled;
    served /= 2;
    width *= 2;
    barrier(CLK_LOCAL_MEM_FENCE);
  }
}
