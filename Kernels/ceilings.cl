#line 2 "ceilings.cl"
// SPDX-License-Identifier: Apache-2.0
// ceilings.cl: what a device allows at best: reading, multiplying and adding, exponentials. A program of its own, which
// only benchmarks build.
// Layout:  values[group * cells + cell], result[group * WG_SIZE + lane]; seed[0] and seed[1] are factor and addend of
//          every chain, seed[2] is what exponents fall by.
// Launch:  any number of work-groups, WG_SIZE lanes; cells a multiple of STREAMS * WG_SIZE * VEC, rounds of UNROLLED.
// Macros:  VEC, WG_SIZE (common.cl).
// Method:  every lane leaves a sum of all that it did, which starts from its own place, so that no compiler can
//          leave work out or do it once for several lanes. Chains are independent of one another: few for
//          16 registers, many for 32 and more.
// Mirrors: CPUKernels/CeilingKernel.swift.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif

// Sums, and exponentials, that do not wait for one another.
#define STREAMS 4
// Rounds written out, so that counting them takes no share worth naming.
#define UNROLLED 8
#define LANES_BEFORE (get_group_id(0) * WG_SIZE + get_local_id(0))

#if VEC == 8
typedef float16 singles;
#define WIDENED(x) (convert_double8((x).lo) + convert_double8((x).hi))
#else
typedef float singles;
#define WIDENED(x) ((double)(x))
#endif

// The buffer's pages and cells before they are read: ones, whose sum shows that all were.
__kernel void ceiling_fill(__global double *restrict values, const ulong cells) {
  __global double *restrict part = values + get_group_id(0) * cells;
  for (ulong cell = get_local_id(0) * VEC; cell < cells; cell += WG_SIZE * VEC) STORE((real)1.0, part, cell);
}

__kernel void ceiling_read(__global const double *restrict values, __global double *restrict result,
                           const ulong cells) {
  __global const double *restrict part = values + get_group_id(0) * cells;
  const ulong step = WG_SIZE * VEC;
  real a = 0.0, b = 0.0, c = 0.0, d = 0.0;
  for (ulong cell = get_local_id(0) * VEC; cell < cells; cell += STREAMS * step) {
    a += LOAD(part, cell);
    b += LOAD(part, cell + step);
    c += LOAD(part, cell + 2 * step);
    d += LOAD(part, cell + 3 * step);
  }
  result[LANES_BEFORE] = total((a + b) + (c + d));
}

#define STEP(i) chain_##i = fma(chain_##i, factor, addend);
#define FEW_STEPS STEP(0) STEP(1) STEP(2) STEP(3)
#define MANY_STEPS FEW_STEPS STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10) STEP(11)
#define START(i) chain_##i = start + i##.0f
#define FEW_STARTS START(0), START(1), START(2), START(3)
#define MANY_STARTS FEW_STARTS, START(4), START(5), START(6), START(7), START(8), START(9), START(10), START(11)
#define FEW_SUM ((chain_0 + chain_1) + (chain_2 + chain_3))
#define MANY_SUM (FEW_SUM + ((chain_4 + chain_5) + (chain_6 + chain_7)) + ((chain_8 + chain_9) + (chain_10 + chain_11)))

// A kernel of rounds of a multiply-add on chains of a type; |factor| < 1, so that none overflows or sinks.
#define MULTIPLY_ADD(name, type, scalar, CHAINS, sum)                                              \
  __kernel void name(__global const double *restrict seed, __global double *restrict result,       \
                     const uint rounds) {                                                          \
    const type factor = (type)((scalar)seed[0]);                                                   \
    const type addend = (type)((scalar)seed[1]);                                                   \
    const type start = (type)((scalar)LANES_BEFORE);                                               \
    type CHAINS##_STARTS;                                                                          \
    for (uint round = 0; round < rounds; round += UNROLLED) {                                      \
      CHAINS##_STEPS CHAINS##_STEPS CHAINS##_STEPS CHAINS##_STEPS                                  \
      CHAINS##_STEPS CHAINS##_STEPS CHAINS##_STEPS CHAINS##_STEPS                                  \
    }                                                                                              \
    result[LANES_BEFORE] = total(sum);                                                             \
  }

MULTIPLY_ADD(ceiling_doubles_few, real, double, FEW, FEW_SUM)
MULTIPLY_ADD(ceiling_doubles_many, real, double, MANY, MANY_SUM)
MULTIPLY_ADD(ceiling_floats_few, singles, float, FEW, WIDENED(FEW_SUM))
MULTIPLY_ADD(ceiling_floats_many, singles, float, MANY, WIDENED(MANY_SUM))

// Rounds of STREAMS exponentials, none of which waits for another.
__kernel void ceiling_exponentials(__global const double *restrict seed, __global double *restrict result,
                                   const uint rounds) {
  const real fall = (real)seed[2];
  real a = (real)(-0.0625 * (double)(LANES_BEFORE % 512)), b = a - 0.25, c = a - 0.5, d = a - 0.75;
  real e = 0.0, f = 0.0, g = 0.0, h = 0.0;
  real scale;
  for (uint round = 0; round < rounds; ++round) {
    e += exp_parts(a, &scale);
    e += scale;
    f += exp_parts(b, &scale);
    f += scale;
    g += exp_parts(c, &scale);
    g += scale;
    h += exp_parts(d, &scale);
    h += scale;
    a -= fall;
    b -= fall;
    c -= fall;
    d -= fall;
  }
  result[LANES_BEFORE] = total((e + f) + (g + h));
}
