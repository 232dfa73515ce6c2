#line 2 "tilt_blocks.cl"
// SPDX-License-Identifier: Apache-2.0
// tilt_blocks.cl: how each row's lambdas are divided, and the sums of those that blocks of neighbouring
// samples serve.
// Layout:  rows as in row_summary.cl; sums and lambdas as in tilt_sweep.cl; plans[row * PLAN_STRIDE + field];
//          reaches[row * lambda_count + lambda] = samples that tilt_sweep has to read for it.
// Launch:  one work-group of WG_SIZE lanes a row, WG_SIZE at least 8 where VEC is 1; local memory for
//          `capacity` blocks of each set, and for tilt_blocks_near 6 bytes a sample of the longest row.
// Method:  blocks of equal width from the largest sample down. Rows that are not sorted are put in the
//          order of their blocks first (processors; GPUs sort). A lambda is served by the width at which
//          lambda width/2 is in (3/4, 3/2], by a polynomial of degree 15 in a sample's place in its block;
//          wider blocks are merged from narrower ones as lambda falls, until eight hold the row and serve the rest. Eight blocks are worked on at
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
#ifndef ESSCHER_POWERS
#include "block_powers.cl"
#endif
#ifndef ESSCHER_BLOCK_SUMS
#include "block_sums.cl"
#endif
#ifndef ESSCHER_ROW_SUMS
#include "row_sums.cl"
#endif
#ifndef ESSCHER_BLOCK_CELLS
#include "block_cells.cl"
#endif
#if !defined(ESSCHER_TILT_BLOCKS) || IS_NEAR
#define ESSCHER_TILT_BLOCKS
// Least (lambda sigma)^2 about the mean, and largest lambda (max - mean): what blocks round costs no digit there.
#define BLOCK_SPREAD (1.0 / 1024)
#define BLOCK_EXPONENT 1024.0
// Largest (max |r - mean| / sigma)^2 with which power moments are taken from blocks, whose errors are 2^-48 of the samples.
#define BLOCK_FARTHEST 256
// Shorter rows, lambdas that fewer samples count at, and fewer lambdas are summed over samples. Measured on PoCL.
#define BLOCK_SAMPLES 512
#define BLOCK_REACH 256
#define BLOCK_LAMBDAS 4
#if IS_NEAR
// The first `count` samples as doubles, in whole vectors, for the kernels that follow.
#define COPY_BACK(samples, count, values) \
  for (uint i = 0; i < (count); i += 8) STORE(LOAD_SAMPLE(samples, i), values, i)

// Summarises its row too, which is so read from memory once.
__kernel void tilt_blocks_near(__global const float *restrict rewards, __global double *restrict values,
                               __global const ulong *restrict offsets, __global const uint *restrict counts,
                               __global double *restrict summaries,
                               __global const double *restrict lambdas, __global uint *restrict plans,
                               __global uint *restrict reaches, __global double *restrict sums,
                               __global double *restrict ordered, __global double *restrict powers,
                               __local float *in_order, __local ushort8 *place_vectors,
                               __local double *moments, const uint lambda_count, const ulong lambda_first,
                               const uint lambda_stride, const uint capacity, const uint flags) {
#else
__kernel void tilt_blocks(__global const double *restrict values, __global const double *restrict rank,
                          __global const double *restrict gold, __global const ulong *restrict offsets,
                          __global const uint *restrict counts, __global const double *restrict summaries,
                          __global const double *restrict lambdas, __global uint *restrict plans,
                          __global uint *restrict reaches, __global double *restrict sums,
                          __global double *restrict ordered, __global ushort *restrict all_places,
                          __global double *restrict powers,
                          __local double *moments, const uint lambda_count,
                          const ulong lambda_first, const uint lambda_stride, const uint capacity,
                          const uint flags) {
#endif
  __local uint ends[BLOCK_TABLES * (BLOCK_BINS + 1)];
  __local double scratch[VEC == 8 ? 1 : BLOCK_SUMS * WG_SIZE];
  const size_t row = get_group_id(0);
  const uint lane = get_local_id(0);
#if IS_NEAR
  const int weighted = 0, is_sorted = 0, has_rank = 0, has_gold = 0;
  __global const float *r = rewards + offsets[row];
  __global const double *a = values, *g = values;
  __local ushort *places = (__local ushort *)place_vectors;
  summarise_near(r, values, 0, counts[row], summaries + row * SUMMARY_STRIDE, scratch);
  // Nobody has looked at these cells yet. One that is missing or infinite leaves no sum; the row is left alone then, and
  // the host comes back without that cell.
  const uint count = isfinite(summaries[row * SUMMARY_STRIDE + S_FIRST]) ? counts[row] : 0;
#else
  const uint count = counts[row];
  const int weighted = (flags & HAS_WEIGHTS) != 0;
  const int is_sorted = (flags & IS_SORTED) != 0 && !weighted;
  const int has_rank = (flags & HAS_RANK) != 0;
  const int has_gold = has_rank && (flags & HAS_GOLD) != 0;
  __global const double *r = values + offsets[row];
  __global const double *a = rank + (has_rank ? offsets[row] : 0);
  __global const double *g = gold + (has_gold ? offsets[row] : 0);
#if VEC == 8
  __global double *in_order = ordered + offsets[row];
  __global ushort *places = all_places + offsets[row];
#endif
#endif
  const row_shape shape = shape_of(summaries + row * SUMMARY_STRIDE, weighted ? 1.0 : (double)count);
  // Squares are sums at twice a lambda.
  const double multiple = flags & HAS_SQUARES ? 2 : 1;
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
  // cut/lambda over a width of 3/2 / lambda, the narrowest that serves lambda.
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
    const uint within = NAMED(count_within)(r, count, shape.maximum, blocks.cut / grid[guess], is_sorted);
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
  // Eight blocks that hold the row are not merged any more.
  const double seventh = blocks.range / 7;
  while (end > first && grid[first] <= ldexp(finest, -(int)blocks.levels) &&
         !(ldexp(blocks.width, (int)blocks.levels - 1) > seventh))
    blocks.levels++;
  int takes_powers = end > first && centred > 0 && shape.reach * shape.reach <= BLOCK_FARTHEST * shape.variance;
  while (takes_powers && blocks.levels < BLOCK_LEVELS && !(ldexp(blocks.width, (int)blocks.levels - 1) > seventh))
    blocks.levels++;
  takes_powers = takes_powers && ldexp(blocks.width, (int)blocks.levels - 1) > seventh;
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
    NAMED(order_by_bins)(r, count, blocks, places, in_order, ends);
#if !IS_NEAR
    r = in_order;
#endif
  }
#else
  for (uint turn = 0; turn < bins; turn += WG_SIZE) {
    const uint bin = turn + lane;
    if (bin < bins) ends[bin] = NAMED(count_within)(r, count, shape.maximum, bin_start(bin + 1, blocks) * blocks.width, 1);
  }
#endif
  BARRIER(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);

  // Samples that the sweep reads.
  uint kept = 0;
  for (uint turn = 0; turn < lambda_count; turn += WG_SIZE) {
    const uint l = turn + lane;
    if (l < lambda_count) {
      uint reach = l >= first && l < end ? 0 : count;
      if (l >= topped && l >= end) {
        const double distance = blocks.cut / grid[l];
        if (is_sorted) reach = NAMED(count_within)(r, count, shape.maximum, distance, 1);
#if VEC == 8
        if (is_ordered)
          reach = ends[bins_of((double8)(shape.maximum - distance), blocks, 1 / blocks.width, blocks.half_size == 16).s0];
#endif
        // Whole vectors, as on the processor: short rows lose nothing then.
        reach = min(count, (reach + 7) / 8 * 8);
      }
      if (l >= centred) kept = max(kept, reach);
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
    plans[row * PLAN_STRIDE + PLAN_POWERS] = takes_powers;
    plans[row * PLAN_STRIDE + PLAN_STEPS] = !weighted && has_equal_steps(grid, topped, lambda_count, count);
  }
#if IS_NEAR
  if (is_ordered) COPY_BACK(in_order, kept, ordered + offsets[row]);
  if ((kept > 0 && !is_ordered) || (centred > 0 && !takes_powers)) COPY_BACK(r, count, values + offsets[row]);
  __local const float *filled = in_order;
#else
  __global const double *filled = r;
#endif

  const uint sets = 1 + has_rank + has_gold;
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
    NAMED(fill_blocks)(filled, values, 0, blocks, width, bin, ends, last, used, goal, capacity, moments, scratch);
    for (uint set = 1; set < sets; set++)
#else
    for (uint set = 0; set < sets; set++)
#endif
      NAMED(fill_blocks)(filled, set > 1 ? g : a, set > 0, blocks, width, bin, ends, last, used, goal, capacity,
                  moments + set * BLOCK_POWERS * capacity, scratch);
    used = goal;
    // Empty blocks up to the end of what vectors and pairs of them read.
    const uint empty = min((used + 15) / 16 * 16, capacity) - used;
    const uint cells = sets * BLOCK_POWERS * empty;
    for (uint turn = 0; turn < cells; turn += WG_SIZE) {
      const uint cell = turn + lane;
      if (cell < cells) moments[cell / empty * capacity + used + cell % empty] = 0;
    }
    BARRIER(CLK_LOCAL_MEM_FENCE);

    const int is_last = level + 1 == levels;
    const uint own = is_last ? first : served_end(grid, first, next, served / 2);
    const uint doubled = is_last ? first : served_end(grid, first, square, served / 4);
    const uint tasks = (next - own) + (square - doubled);
    for (uint turn = 0; turn < tasks; turn += TEAMS) {
      const uint task = min(turn + lane / TEAM, tasks - 1);
      const int is_square = task >= next - own;
      const uint index = is_square ? doubled + (task - (next - own)) : own + task;
      const double lambda = is_square ? 2 * grid[index] : grid[index];
      const double offset = index < topped ? blocks.top : 0;
      // A range of whole blocks may come out a little less, and its last sample lie in the next.
      const double needed = fmin(blocks.range, blocks.cut / lambda + offset) / width * (1 + 0x1p-48);
      real found[BLOCK_SUMS];
#pragma unroll
      for (int f = 0; f < BLOCK_SUMS; f++) found[f] = 0;
      const uint seen = needed < (double)used ? (uint)needed + 1 : used;
      // Squares have a first sum only for the biases, which are asked for with ranks.
      if (!is_square) block_sums(moments, seen, capacity, offset, width, lambda, 2, has_rank, has_gold, found);
      else if (has_rank) block_sums(moments, seen, capacity, offset, width, lambda, 1, 1, has_gold, found);
      else block_sums(moments, seen, capacity, offset, width, lambda, 0, 0, 0, found);
      store_block_sums(found, is_square, turn + lane / TEAM < tasks, count,
                       sums + (row * lambda_count + index) * TILT_STRIDE, scratch);
    }
    next = own;
    square = doubled;
    served /= 2;
    width *= 2;
    BARRIER(CLK_LOCAL_MEM_FENCE);
  }
  // The last level holds the row in eight blocks.
  if (takes_powers)
    block_powers(moments, sets, capacity, shape.highest / shape.reach, width / 4 / shape.reach,
                 (double)count * shape.variance / (shape.reach * shape.reach), powers + row * MOMENT_STRIDE, scratch);
}
#endif
