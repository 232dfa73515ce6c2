#line 2 "tilt_sweep.cl"
// SPDX-License-Identifier: Apache-2.0
// tilt_sweep.cl: the sums of one row at a few neighbouring lambdas from one read of its samples, where
// tilt_blocks.cl left them to it, and the power moments that give every small lambda where blocks do not.
// Layout:  rows as in row_summary.cl; sums[(row * lambda_count + lambda) * TILT_STRIDE + field];
//          moments[row * MOMENT_STRIDE + field]; the lambdas of a row from
//          lambdas[lambda_first + row * lambda_stride] on, ascending (stride 0: all rows share them).
// Launch:  work-groups (row, block of LAMBDAS lambdas), WG_SIZE lanes; moments: one work-group a row.
// Macros:  LAMBDAS (lambdas of a block, default 4).
// Method:  each lambda has the form that tilt_blocks wrote to its record: about the mean, about the maximum,
//          or not at all where moments or blocks will do. About the maximum of a sorted row, and of one in the
//          order of its blocks, only the samples that count are read. Where lambdas have equal steps h, the
//          LAMBDAS of a work-group share two exponentials a sample: e^{(lambda+h)x} = e^{lambda x} e^{hx}.
// Mirrors: EsscherCPU/TiltSweep.swift, EsscherCore/PowerMoments.swift.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#ifndef ESSCHER_TILT
#include "tilt_forms.cl"
#endif
#ifndef LAMBDAS
#define LAMBDAS 4
#endif

// Adds a sample to the sums of a lambda.
INLINE void add_terms(real *part, const real e, const real em1, const real d, const real rank, const real gold) {
  const real de = d * e;
  part[0] += e;
  part[1] += em1;
  part[2] += de;
  part[3] = fma(d, de, part[3]);
  part[4] = fma(e, e, part[4]);
  part[5] = fma(rank, e, part[5]);
  const real ge = gold * e;
  part[6] += ge;
  part[7] = fma(de, e, part[7]);
  part[8] = fma(ge, e, part[8]);
  part[9] = fma(ge, d, part[9]);
}

__kernel void tilt_sweep(__global const double *restrict values, __global const double *restrict rank,
                         __global const double *restrict gold, __global const double *restrict weights,
                         __global const ulong *restrict offsets, __global const uint *restrict counts,
                         __global const double *restrict summaries, __global const double *restrict lambdas,
                         __global const double *restrict ordered, __global const uint *restrict plans,
                         __global const uint *restrict reaches, __global double *restrict sums,
                         const uint lambda_count, const ulong lambda_first, const uint lambda_stride,
                         const uint flags) {
  __local double scratch[WG_SIZE];
  const size_t row = get_group_id(0);
  const uint block = get_group_id(1) * LAMBDAS;
  const uint lane = get_local_id(0);
  const uint stride = WG_SIZE * VEC;
  const int weighted = (flags & HAS_WEIGHTS) != 0;
  const row_shape shape =
      shape_of(summaries + row * SUMMARY_STRIDE, weighted ? 1.0 : (double)counts[row]);
  __global const uint *restrict plan = plans + row * PLAN_STRIDE;
  __global const double *restrict r = (plan[PLAN_ORDERED] ? ordered : values) + offsets[row];
  __global const double *restrict a = rank + (flags & HAS_RANK ? offsets[row] : 0);
  __global const double *restrict g = gold + (flags & HAS_GOLD ? offsets[row] : 0);
  __global const double *restrict q = weights + (weighted ? offsets[row] : 0);

  __global const double *restrict grid = lambdas + lambda_first + row * lambda_stride;
  double lambda[LAMBDAS];
  int form[LAMBDAS];
  int wanted[LAMBDAS];
  uint count = 0;
#pragma unroll
  for (int l = 0; l < LAMBDAS; l++) {
    const uint index = min(block + l, lambda_count - 1);
    wanted[l] = block + l < lambda_count && index >= plan[PLAN_CENTRED] &&
                !(index >= plan[PLAN_FIRST] && index < plan[PLAN_END]);
    lambda[l] = wanted[l] ? grid[index] : 0;
    form[l] = wanted[l] ? form_of(lambda[l], shape) : FORM_MOMENTS;
    if (wanted[l]) count = max(count, reaches[row * lambda_count + index]);
  }

  // Whether all of them are in steps.
  int is_run = plan[PLAN_STEPS] != 0;
#pragma unroll
  for (int l = 0; l < LAMBDAS; l++) is_run = is_run && wanted[l] && form[l] == FORM_TOPPED;
  const double step = (lambda[LAMBDAS - 1] - lambda[0]) / (LAMBDAS - 1);

  double sum[LAMBDAS][TILT_FIELDS];
  double rest[LAMBDAS][TILT_FIELDS];
#pragma unroll
  for (int l = 0; l < LAMBDAS; l++)
#pragma unroll
    for (int f = 0; f < TILT_FIELDS; f++) sum[l][f] = rest[l][f] = 0;

  for (uint base = 0; base < count; base += stride * CHUNK) {
    real part[LAMBDAS][TILT_FIELDS];
#pragma unroll
    for (int l = 0; l < LAMBDAS; l++)
#pragma unroll
      for (int f = 0; f < TILT_FIELDS; f++) part[l][f] = 0;
    const uint turns = TURNS(base, count);
    for (uint k = 0; k < turns; k++) {
      const uint index = base + k * stride + lane * VEC;
      const real keep = keep_mask((long)count - index);
      const uint place = PLACE(index, count);
      const real reward = LOAD(r, place);
      const real centred = keep_only((reward - (real)shape.centre) - (real)shape.correction, keep);
      // r - max r is exact where it matters, near the top; d - max d would round twice.
      const real topped = keep_only(reward - (real)shape.maximum, keep);
      const real weight = weighted ? keep_only(LOAD(q, place), keep) : keep;
      const real rank_here = flags & HAS_RANK ? keep_only(LOAD(a, place), keep) : (real)0.0;
      const real gold_here = flags & HAS_GOLD ? keep_only(LOAD(g, place), keep) : (real)0.0;
      if (is_run) {
        real scale;
        real e = (exp_parts(topped * (real)lambda[0], &scale) + scale) * weight;
        const real ratio = exp_parts(topped * (real)step, &scale) + scale;
#pragma unroll
        for (int l = 0; l < LAMBDAS; l++) {
          // About the maximum the sum of e^x - 1 is of the order of the samples.
          add_terms(part[l], e, e - weight, topped, rank_here, gold_here);
          e *= ratio;
        }
      } else {
#pragma unroll
        for (int l = 0; l < LAMBDAS; l++) {
          const real d = form[l] == FORM_TOPPED ? topped : centred;
          real scale;
          // A form that the moments cover would overflow nowhere either: lambda d <= 1/2.
          const real scaled = exp_parts(d * (real)lambda[l], &scale);
          add_terms(part[l], (scaled + scale) * weight, (scaled + (scale - (real)1.0)) * weight, d, rank_here,
                    gold_here);
        }
      }
    }
#pragma unroll
    for (int l = 0; l < LAMBDAS; l++)
#pragma unroll
      for (int f = 0; f < TILT_FIELDS; f++)
        sum[l][f] = add_compensated(sum[l][f], total(part[l][f]), &rest[l][f]);
  }
  // Samples beyond those read have e^x - 1 = -1.
  const double beyond = (double)counts[row] - (double)count;
  for (int l = 0; l < (count > 0 ? LAMBDAS : 0); l++)
    for (int f = 0; f < TILT_FIELDS; f++) {
      const double whole = group_sum(sum[l][f] + rest[l][f], scratch);
      if (lane == 0 && wanted[l])
        sums[(row * lambda_count + block + l) * TILT_STRIDE + f] = f == 1 ? whole - beyond : whole;
    }
}

// Power sums of p u^k, k = 1...12, u = d / reach; p is a payload times a power of the weight.
INLINE void power_sums(__global const double *r, __global const double *payload,
                              __global const double *q, const int weight_power, const uint count,
                              const row_shape shape, const int has_payload, const int writes,
                              __global double *out, __local double *scratch) {
  const uint lane = get_local_id(0);
  const uint stride = WG_SIZE * VEC;
  const double scale = 1 / shape.reach;
  double sum[POWERS], rest[POWERS];
#pragma unroll
  for (int k = 0; k < POWERS; k++) sum[k] = rest[k] = 0;
  for (uint base = 0; base < count; base += stride * CHUNK) {
    real part[POWERS];
#pragma unroll
    for (int k = 0; k < POWERS; k++) part[k] = 0;
    const uint turns = TURNS(base, count);
    for (uint step = 0; step < turns; step++) {
      const uint index = base + step * stride + lane * VEC;
      const real keep = keep_mask((long)count - index);
      const uint place = PLACE(index, count);
      const real d = keep_only((LOAD(r, place) - (real)shape.centre) - (real)shape.correction, keep);
      const real u = d * (real)scale;
      real p = has_payload ? keep_only(LOAD(payload, place), keep) : keep;
      if (weight_power > 0) {
        const real w = keep_only(LOAD(q, place), keep);
        p *= weight_power > 1 ? w * w : w;
      }
#pragma unroll
      for (int k = 0; k < POWERS; k++) {
        p *= u;
        part[k] += p;
      }
    }
#pragma unroll
    for (int k = 0; k < POWERS; k++) sum[k] = add_compensated(sum[k], total(part[k]), &rest[k]);
  }
  for (int k = 0; k < POWERS; k++) {
    const double whole = group_sum(sum[k] + rest[k], scratch);
    if (lane == 0 && writes) out[k] = whole;
  }
}

__kernel void power_moments(__global const double *restrict values, __global const double *restrict rank,
                            __global const double *restrict gold, __global const double *restrict weights,
                            __global const ulong *restrict offsets, __global const uint *restrict counts,
                            __global const double *restrict summaries, __global double *restrict moments,
                            __global const double *restrict lambdas, __global const uint *restrict plans,
                            const ulong lambda_first, const uint lambda_stride, const uint flags) {
  __local double scratch[WG_SIZE];
  const size_t row = get_group_id(0);
  const int weighted = (flags & HAS_WEIGHTS) != 0;
  const int writes = !plans[row * PLAN_STRIDE + PLAN_POWERS];
  const row_shape shape =
      shape_of(summaries + row * SUMMARY_STRIDE, weighted ? 1.0 : (double)counts[row]);
  // Lambdas ascend: where the first is beyond the series, all are.
  const int needed = writes && shape.reach > 0 && form_of(lambdas[lambda_first + row * lambda_stride], shape) == FORM_MOMENTS;
  const uint count = needed ? counts[row] : 0;
  __global const double *restrict r = values + offsets[row];
  __global const double *restrict q = weights + (weighted ? offsets[row] : 0);
  __global double *restrict out = moments + row * MOMENT_STRIDE;
  power_sums(r, r, q, weighted, count, shape, 0, writes, out, scratch);
  power_sums(r, rank + (flags & HAS_RANK ? offsets[row] : 0), q, weighted, flags & HAS_RANK ? count : 0,
             shape, 1, writes, out + POWERS, scratch);
  power_sums(r, gold + (flags & HAS_GOLD ? offsets[row] : 0), q, weighted, flags & HAS_GOLD ? count : 0,
             shape, 1, writes, out + 2 * POWERS, scratch);
  power_sums(r, r, q, 2, weighted ? count : 0, shape, 0, writes, out + 3 * POWERS, scratch);
  // Gold with squared weights, for the bias of its mean, and at the end the power 0.
  __global const double *restrict g = gold + (flags & HAS_GOLD ? offsets[row] : 0);
  const uint golden = weighted && flags & HAS_GOLD ? count : 0;
  power_sums(r, g, q, 2, golden, shape, 1, writes, out + 4 * POWERS, scratch);
  double sum = 0, rest = 0;
  for (uint i = get_local_id(0); i < golden; i += WG_SIZE) sum = add_compensated(sum, q[i] * q[i] * g[i], &rest);
  const double whole = group_sum(sum + rest, scratch);
  if (get_local_id(0) == 0) out[5 * POWERS] = whole;
}
